/* SPDX-License-Identifier: Apache-2.0 */
/* Swap of the consume page on a lossless link: claims, releases and sleepers survive two crashes. */

#ifndef N
#define N 4                     /* frames published */
#endif
#ifndef CRASHES
#define CRASHES 2
#endif
#define D 2                     /* depth of the ring */
#define S 3                     /* slots of the pool */
#define PAGES (CRASHES + 2)     /* pages are numbered from 1 */

/* Two ways to say "claimed". By state: claimed is written before next moves, free before retired
 * moves. By next (CLAIM_BY_NEXT): a frame below next that is not released is claimed; the state is
 * cleared at the take before next moves, and not at the retirement. */
#define FREE 0
#define CLAIMED 1
#define RELEASED 2

/* publish page and pool, written by the producer */
byte seq[D], slot_of[N + 1], payload[S];
byte space_wish = 0;
bool data_bumped = false;       /* the data word changed since the sleeper loaded it */

/* consume pages, each written by one life of the consumer */
byte next_of[PAGES], retired_of[PAGES], data_wish[PAGES];
bool space_bumped[PAGES];       /* the space word changed since the sleeper loaded it */
byte state_of[PAGES * D];
#define STATE(page, f) state_of[(page) * D + (f) % D]

/* broker; the bell is a word in a page that only the broker writes */
byte newest = 1;
bool rung = false;              /* the bell word changed since the sleeper loaded it */
bool dead = false, settled = false;
bool consumer_sleeps = false, producer_sleeps = false, consumer_done = false;

/* what the assertions know */
byte lent[S], page = 1;         /* private to the producer */
short seen = 0, finished = 0;

#define BIT(f) (1 << (f))

#ifdef CLAIM_BY_NEXT
#define IS_TAKEN(f) ((f) < next)
#else
#define IS_TAKEN(f) true
#endif

#define RETURN_SLOT(x) \
    if \
    :: lent[x] != 0 && (lent[x] <= retired || \
        (IS_TAKEN(lent[x]) && STATE(page, lent[x]) == RELEASED)) -> \
        d_step { payload[x] = 0; lent[x] = 0 } \
    :: else \
    fi

inline read_consume_page()
{
    retired = retired_of[page];
    next = next_of[page];
    RETURN_SLOT(0);
    RETURN_SLOT(1);
    RETURN_SLOT(2)
}

/* nobody reads this page again; its values would only multiply the states */
inline forget_page(number)
{
    next_of[number] = 0;
    retired_of[number] = 0;
    data_wish[number] = 0;
    space_bumped[number] = false;
    STATE(number, 0) = 0;
    STATE(number, 1) = 0
}

inline move_to_newest()
{
    d_step { forget_page(page); page = newest }
#ifndef NO_WAKE_AFTER_SWAP
    data_bumped = true;
    consumer_sleeps = false
#endif
}

inline wait_for_space()
{
    do
    :: true ->
        rung = false;
        if
        :: newest > page -> move_to_newest()
        :: else
        fi;
        space_bumped[page] = false;
        space_wish = s - D;
        if
        :: retired_of[page] + D >= s -> break
        :: else
        fi;
        atomic {
            if
#ifdef NO_BELL_IN_WAIT
            :: !space_bumped[page] -> producer_sleeps = true
#else
            :: !space_bumped[page] && !rung -> producer_sleeps = true
#endif
            :: else
            fi
        }
        !producer_sleeps
    od;
    /* a wish that was reached wakes nobody: 0 says the same */
    atomic { space_wish = 0; space_bumped[page] = false; rung = false }
}

active proctype producer()
{
    byte s = 1, x = 0, retired = 0, next = 0, wish = 0;

    do
    :: newest > page -> move_to_newest()
    :: s <= N ->
        read_consume_page();
        if
        :: retired + D < s ->
            wait_for_space();
            read_consume_page()
        :: else
        fi;
        d_step { assert(retired + D >= s); retired = 0; next = 0 }
        atomic {
            x = (lent[0] == 0 -> 0 : (lent[1] == 0 -> 1 : 2));
            lent[x] = s;
            payload[x] = s;
        }
        atomic { slot_of[s] = x; seq[s % D] = s }
        wish = data_wish[page];
        if
        :: s - 1 < wish && wish <= s -> data_bumped = true; consumer_sleeps = false
        :: else
        fi;
        d_step { wish = 0; x = 0; s++ }
    :: newest == page && s > N && settled -> break
    od;
    read_consume_page();
    assert(lent[0] == 0 && lent[1] == 0 && lent[2] == 0)
}

/* A life that is not the last may die between any two of its steps. */
#define MAY_DIE if :: life <= CRASHES -> goto crashed :: true fi

/* again: the frame was claimed by an earlier life, and is delivered with the flag */
inline deliver(f, again)
{
    atomic {
        assert(again || !(seen & BIT(f)));
        assert(payload[slot_of[f]] == f);
        seen = seen | BIT(f);
        MAY_DIE
    }
}

inline retire()
{
    f = retired;
    do
#if defined(CLAIM_BY_NEXT) && !defined(CLEARED_AT_RETIRE)
    :: released & BIT(f + 1) -> f++
#else
    :: released & BIT(f + 1) -> f++; atomic { STATE(life, f) = FREE; MAY_DIE }
#endif
    :: else -> break
    od;
    if
    :: f > retired ->
        atomic { retired_of[life] = f; MAY_DIE }
        if
        :: retired < space_wish && space_wish <= f ->
            atomic { space_bumped[life] = true; MAY_DIE }
            producer_sleeps = false
        :: else
        fi;
        retired = f
    :: else
    fi;
    f = 0
}

inline release(which)
{
    f = which;
    atomic {
        assert(payload[slot_of[f]] == f);
        finished = finished | BIT(f);
        held = held & ~BIT(f);
#ifdef CLAIM_BY_NEXT
        /* the first in order retires at once */
        STATE(life, f) = (f == retired + 1 -> STATE(life, f) : RELEASED);
#else
        STATE(life, f) = RELEASED;
#endif
        released = released | BIT(f);
        MAY_DIE
    }
    retire()
}

#ifdef CLAIM_BY_NEXT
#define IS_CLAIMED(page, f) (STATE(page, f) != RELEASED)
#else
#define IS_CLAIMED(page, f) (STATE(page, f) == CLAIMED)
#endif

inline read_own_page()
{
    d_step {
        next = next_of[life];
        retired = retired_of[life];
        f = retired + 1;
        do
        :: f < next && IS_CLAIMED(life, f) -> held = held | BIT(f); f++
        :: f < next && !IS_CLAIMED(life, f) -> released = released | BIT(f); f++
        :: f >= next -> break
        od;
        f = 0
    }
}

proctype consumer(byte life)
{
    byte next = 1, f = 0, retired = 0;
    short held = 0, released = 0;

    read_own_page();
#ifndef NO_CONSUMER_WAKE_AFTER_SWAP
    space_bumped[life] = true;
    producer_sleeps = false;
#endif
    f = retired + 1;
    do
    :: f < next && (held & BIT(f)) ->
#ifdef REDELIVERED_WITHOUT_FLAG
        deliver(f, false);
#else
        deliver(f, true);
#endif
        f++
    :: f < next && !(held & BIT(f)) -> f++
    :: f >= next -> break
    od;
    retire();
    do
    :: next <= N && next <= retired + D && seq[next % D] == next ->
#ifdef LOOK_BEFORE_CLAIM
        deliver(next, false);
#endif
#ifdef CLAIM_BY_NEXT
#ifdef CLEARED_AFTER_NEXT
        atomic { next_of[life] = next + 1; MAY_DIE }
        atomic { STATE(life, next) = FREE; MAY_DIE }
#else
#ifndef CLEARED_AT_RETIRE
        atomic { STATE(life, next) = FREE; MAY_DIE }
#endif
        atomic { next_of[life] = next + 1; MAY_DIE }
#endif
#elif defined(CLAIM_AFTER_NEXT)
        atomic { next_of[life] = next + 1; MAY_DIE }
        atomic { STATE(life, next) = CLAIMED; MAY_DIE }
#else
        atomic { STATE(life, next) = CLAIMED; MAY_DIE }
        atomic { next_of[life] = next + 1; MAY_DIE }
#endif
#ifndef LOOK_BEFORE_CLAIM
        deliver(next, false);
#endif
        d_step { held = held | BIT(next); next++ }
    :: held & BIT(retired + 1) -> release(retired + 1)
    :: held & BIT(retired + 2) -> release(retired + 2)
    :: held == 0 && next <= N ->
        do
        :: true ->
            data_bumped = false;
            data_wish[life] = next;
            if
            :: seq[next % D] == next -> break
            :: else
            fi;
            atomic {
                if
                :: !data_bumped -> consumer_sleeps = true
                :: else
                fi
            }
            if
            :: !consumer_sleeps
            :: life <= CRASHES -> goto crashed
            fi
        od;
        atomic { data_wish[life] = 0; data_bumped = false }
    :: held == 0 && next > N -> break
    od;
    assert(retired == N);
    consumer_done = true;
    goto ended;
crashed:
    skip;
    d_step {
        consumer_sleeps = false;
        next = 0; f = 0; retired = 0; held = 0; released = 0;
        dead = true
    }
ended:
    skip
}

inline make_page(old)
{
    next_of[old + 1] = next_of[old];
    retired_of[old + 1] = retired_of[old];
    f = retired_of[old] + 1;
#ifdef CLAIM_BY_NEXT
    do
    :: f < next_of[old] -> STATE(old + 1, f) = STATE(old, f); f++
    :: else -> break
    od;
#else
    do
    :: f <= next_of[old] && f <= retired_of[old] + D ->
        if
        :: STATE(old, f) == CLAIMED ->
#ifndef FRESH_PAGE_WITHOUT_STATES
            STATE(old + 1, f) = CLAIMED;
#endif
            if
            :: f == next_of[old] -> next_of[old + 1] = f + 1
            :: else
            fi
        :: STATE(old, f) == RELEASED ->
#ifdef RELEASED_IS_REDELIVERED
            STATE(old + 1, f) = CLAIMED
#elif !defined(FRESH_PAGE_WITHOUT_STATES)
            STATE(old + 1, f) = RELEASED
#else
            skip
#endif
        :: STATE(old, f) == FREE && f < next_of[old] ->
            /* taken, and freed on the way to retire */
#ifdef FREE_BELOW_NEXT_IS_REDELIVERED
            STATE(old + 1, f) = CLAIMED
#else
            STATE(old + 1, f) = RELEASED
#endif
        :: else
        fi;
        f++
    :: else -> break
    od;
#endif
    f = 0;
    if
    :: old != page -> forget_page(old)
    :: else
    fi
}

init
{
    byte life = 1, f = 0;

    next_of[1] = 1;
    run consumer(life);
    do
#ifdef PAGE_READ_BEFORE_DEATH
    :: life <= CRASHES -> atomic { make_page(life) }
        if
        :: dead
        :: consumer_done -> break
        fi;
#else
    :: dead -> atomic { make_page(life) }
#endif
        atomic { dead = false; life++; run consumer(life) }
        newest = life;
        atomic { rung = true; producer_sleeps = false }
    :: consumer_done -> break
    od;
    /* published = released, nothing is lost, nothing came twice without the flag */
    assert(finished == (1 << (N + 1)) - 2);
    settled = true
}
