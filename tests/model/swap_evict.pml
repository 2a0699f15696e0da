/* SPDX-License-Identifier: Apache-2.0 */
/* Swap of the consume page on a link that evicts, with consumers that crash in a row. */

#ifndef N
#define N 5                     /* frames published */
#endif
#ifndef CRASHES
#define CRASHES 2
#endif
#define D 2                     /* depth of the ring */
#define S 4                     /* slots: depth + one claim + the producer's own claim */
#define PAGES (CRASHES + 2)     /* pages are numbered from 1 */

/* publish page and pool, written by the producer */
byte seq[D], slot[D], payload[S];
byte low = 1, tail = 0;
byte shown = 1;                 /* number of the consume page that the producer reads */
byte data_word = 0;

/* consume pages, each written by one life of the consumer */
byte next_of[PAGES], hazard_of[PAGES];
byte evicted = 0, jump_evicted = 0, jump_to = 0;       /* of the living page */

/* broker */
byte newest = 1;                /* last page that the producer was given */
bool dead = false, settled = false;
bool consumer_sleeps = false, consumer_done = false;

/* what the assertions know */
byte lent[S];                   /* private to the producer */
short claimed = 0, seen = 0, finished = 0, dropped = 0;

#define BIT(f) (1 << (f))

#define MAY_REUSE(f) (((f) < next || (f) <= gone) && (f) != hazard)

inline reap()
{
    next = next_of[page];
    hazard = hazard_of[page];
    d_step {
        x = 0;
        do
        :: x < S && lent[x] != 0 && MAY_REUSE(lent[x]) -> lent[x] = 0; x++
        :: x < S && !(lent[x] != 0 && MAY_REUSE(lent[x])) -> x++
        :: x == S -> x = 0; break
        od;
        next = 0;
        hazard = 0
    }
}

inline move_to_newest()
{
#ifdef LENDS_DROPPED_BEFORE_PAGE_MOVE
    d_step {
        x = 0;
        do
        :: x < S && lent[x] != 0 && lent[x] == hazard_of[page] -> lent[x] = 0; x++
        :: x < S && !(lent[x] != 0 && lent[x] == hazard_of[page]) -> x++
        :: x == S -> x = 0; break
        od
    }
#endif
    page = newest;
    reap()
}

inline show_number(number)
{
    shown = number;
#ifndef NO_WAKE_AFTER_SWAP
    data_word++;
    consumer_sleeps = false
#endif
}

active proctype producer()
{
    byte s = 1, x = 0, next = 0, hazard = 0, gone = 0, page = 1;

    do
    :: newest > page ->
#ifdef NUMBER_SHOWN_BEFORE_PAGE_MOVE
        if
        :: shown < newest && s <= N -> show_number(newest); goto publish
        :: else -> move_to_newest(); show_number(page)
        fi
#else
        move_to_newest();
        show_number(page)
#endif
    :: newest == page && s <= N ->
publish:
        reap();
        atomic {
            assert(lent[0] == 0 || lent[1] == 0 || lent[2] == 0 || lent[3] == 0);
            x = (lent[0] == 0 -> 0 : (lent[1] == 0 -> 1 : (lent[2] == 0 -> 2 : 3)));
            lent[x] = s
        }
        payload[x] = s;
        if
        :: s > D ->
            low = s - D + 1;
            seq[s % D] = 0;
            gone = s - D
        :: else
        fi;
        slot[s % D] = x;
        atomic { seq[s % D] = s; tail = s; x = 0; s++ }
    :: newest == page && s > N && settled -> break
    od;
    reap();
    assert(lent[0] == 0 && lent[1] == 0 && lent[2] == 0 && lent[3] == 0)
}

/* A life that is not the last may die between any two of its steps. */
#define MAY_DIE if :: life <= CRASHES -> goto crashed :: true fi

inline wait_for_number()
{
    do
    :: true ->
        word = data_word;
        if
        :: shown == life -> break
        :: else
        fi;
        atomic {
            if
            :: data_word == word -> consumer_sleeps = true
            :: else
            fi
        }
        if
        :: !consumer_sleeps
        :: life <= CRASHES -> goto crashed
        fi
    od;
    word = 0
}

/* Goes on at a frame further on. Count and next are two words: the record of the jump comes first, so
 * that the broker can finish a jump that a death cut short. No other process reads the first three. */
inline jump(to)
{
    atomic {
        skip;
#if !defined(EVICTED_IN_ONE_WORD) && !defined(EVICTED_AFTER_NEXT)
        jump_evicted = evicted + to - next;
        MAY_DIE;
        jump_to = to;
        MAY_DIE;
#endif
#ifndef EVICTED_AFTER_NEXT
        evicted = evicted + to - next;
#endif
        MAY_DIE
    }
    atomic { next_of[life] = to; MAY_DIE }
#ifdef EVICTED_AFTER_NEXT
    evicted = evicted + to - next;
#endif
    next = to
}

/* again: the frame was claimed by an earlier life, and is delivered with the flag */
inline deliver(f, again)
{
    atomic {
        assert(again || !(seen & BIT(f)));
        assert(payload[x] == f);
        seen = seen | BIT(f);
        MAY_DIE
    }
    atomic {
        assert(payload[x] == f);
        finished = finished | BIT(f);
        MAY_DIE
    }
}

proctype consumer(byte life)
{
    byte next = 1, f = 0, x = 0, word = 0;

    d_step { next = next_of[life]; f = hazard_of[life] }
    if
    :: f != 0 ->
        if
        :: seq[f % D] != f -> goto gone
        :: else
        fi;
        x = slot[f % D];
        if
        :: seq[f % D] != f -> goto gone
        :: else
        fi;
        deliver(f, true);
        goto released;
gone:   dropped = dropped | BIT(f);
released:
        atomic { hazard_of[life] = 0; f = 0; x = 0; MAY_DIE }
    :: else
    fi;
#ifndef NO_PAGE_NUMBER_CHECK
    wait_for_number();
#endif
    do
    :: next <= N ->
#ifdef LATEST
        /* the newest that the hint shows */
        f = tail;
        if
        :: f > next -> jump(f)
        :: true
        fi;
#endif
        atomic { f = next; hazard_of[life] = f; MAY_DIE }
        if
        :: seq[f % D] != f -> goto missed
        :: else
        fi;
        x = slot[f % D];
        if
        :: seq[f % D] != f -> goto missed
        :: else
        fi;
#ifdef LOOK_BEFORE_NEXT
        deliver(f, false);
#endif
        atomic { next_of[life] = f + 1; claimed = claimed | BIT(f); MAY_DIE }
        next = f + 1;
#ifndef LOOK_BEFORE_NEXT
        deliver(f, false);
#endif
        atomic { hazard_of[life] = 0; f = 0; x = 0; MAY_DIE }
        goto again;
missed: hazard_of[life] = 0;
        d_step { f = low; x = 0 }
        if
        :: f > next -> jump(f)
        :: else
        fi;
        f = 0;
again:  skip
    :: else -> break
    od;
    consumer_done = true;
    goto ended;
crashed: skip;
    d_step { consumer_sleeps = false; f = 0; x = 0; next = 0; word = 0; dead = true }
ended:
    skip
}

inline make_page(old)
{
    /* same claims, and the counters carried over; a jump that was cut short is finished */
    next_of[old + 1] = next_of[old];
#if !defined(EVICTED_IN_ONE_WORD) && !defined(EVICTED_AFTER_NEXT)
    if
    :: jump_to > next_of[old] -> next_of[old + 1] = jump_to; evicted = jump_evicted
    :: else
    fi;
#endif
    jump_to = 0;
    jump_evicted = 0;
#ifndef FRESH_PAGE_WITHOUT_CLAIMS
    hazard_of[old + 1] = (hazard_of[old] < next_of[old] -> hazard_of[old] : 0);
#endif
    skip
}

init
{
    byte life = 1, f = 0, count = 0;

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
        newest = life
    :: consumer_done -> break
    od;
    atomic {
        f = 1;
        do
        :: f <= N -> count = count + ((claimed >> f) & 1); f++
        :: else -> break
        od
    }
    /* published = taken + evicted, and what was taken was delivered or counted as dropped */
    assert(count + evicted == N);
    assert((claimed & ~(finished | dropped)) == 0);
    settled = true
}
