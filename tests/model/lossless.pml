/* SPDX-License-Identifier: Apache-2.0 */
/* A lossless link: cells retire in order, slots are free early, both sides sleep by wishes. */

#ifndef N
#define N 4                     /* frames published */
#endif
#define D 2                     /* depth of the ring */
#define S 3                     /* slots of the pool */
#ifndef ASK
#define ASK 1                   /* cells that a producer without space asks for */
#endif
#ifndef HOLDS
#define HOLDS 0                 /* frames that the consumer keeps until it has newer ones */
#endif

#define SEQ(c) (c)
#define DATA_WORD 2
#define SPACE_WISH 3
#define PAY(x) (4 + (x))
#define STATE(c) (7 + (c))
#define RETIRED 9
#define DATA_WISH 10
#define SPACE_WORD 11
#define M 12
#define WAITED before[0] | before[1] | before[2] | before[3] | before[4] | before[5] | before[6] | \
    before[7] | before[8] | before[9] | before[10] | before[11]
#define PRODUCER 127
#define CONSUMER 3968

#define FREE 0
#define CLAIMED 1
#define RELEASED 2

#include "memory.inc"

byte lent[S];                   /* private to the producer: frame that lies in the slot, 0 = free */
byte slot_of[N + 1];            /* the slot field of the cell; ordered by the seq word like PAY */
bool consumer_sleeps = false, producer_sleeps = false;

active proctype memory()
{
    byte drain_i = 0;
end:
    do
    DRAIN(0) DRAIN(1) DRAIN(2) DRAIN(3) DRAIN(4) DRAIN(5) DRAIN(6) DRAIN(7) DRAIN(8) DRAIN(9)
    DRAIN(10) DRAIN(11)
    od
}

/* futex_wait: the kernel compares and queues in one step; futex_wake: a barrier by itself */
inline futex_wait(flag, address, value)
{
    atomic {
        if
        :: mem[address] == value -> flag = true
        :: else
        fi
    }
    !flag
}

inline futex_wake(own, flag)
{
    fence(own);
    flag = false
}

#ifdef BUMP_AFTER_WAKE
#define bump_and_wake(own, flag, address, word) \
    futex_wake(own, flag); word++; store(own, address, word)
#elif defined(NO_BUMP)
#define bump_and_wake(own, flag, address, word) futex_wake(own, flag)
#else
#define bump_and_wake(own, flag, address, word) \
    word++; store(own, address, word); futex_wake(own, flag)
#endif

/* The sleeper: word, wish, fence, re-check, wait, again until `ready` holds. */
#ifdef WORD_LOADED_LAST
#define load_word_first(w, address)
#define load_word_last(w, address) w = mem[address]
#else
#define load_word_first(w, address) w = mem[address]
#define load_word_last(w, address)
#endif
#ifdef NO_FENCE_SLEEPER
#define sleeper_fence(own)
#else
#define sleeper_fence(own) fence(own)
#endif
#ifdef NO_FENCE_WAKER
#define waker_fence(own)
#else
#define waker_fence(own) fence(own)
#endif

/* When the writer wakes: a wish that its store reached; or (the variant that lost wake-ups) a flag
 * that names the sleep, woken once per sleep. */
#ifdef FLAG_INSTEAD_OF_WISH
#define WAKES(old, wish, new) ((wish) != 0 && (wish) != woken)
#define REMEMBER(wish) woken = wish
#define WISH(count) epoch
#define NEW_SLEEP epoch++
#elif defined(WAKE_ONLY_IF_EQUAL)
#define WAKES(old, wish, new) ((wish) == (new))
#define REMEMBER(wish) skip
#define WISH(count) count
#define NEW_SLEEP skip
#else
#define WAKES(old, wish, new) ((old) < (wish) && (wish) <= (new))
#define REMEMBER(wish) skip
#define WISH(count) count
#define NEW_SLEEP skip
#endif

#define RETURN_SLOT(x) \
    if \
    :: lent[x] != 0 && (lent[x] <= retired || mem[STATE(lent[x] % D)] == RELEASED) -> lent[x] = 0 \
    :: else \
    fi

inline read_consume_page()
{
    retired = mem[RETIRED];
    RETURN_SLOT(0);
    RETURN_SLOT(1);
    RETURN_SLOT(2)
}

active proctype producer()
{
    byte s = 1, x = 0, retired = 0, word = 0, w = 0, wish = 0;
    byte epoch = 0, woken = 0;

    do
    :: s <= N ->
        read_consume_page();
        if
        :: retired + D < s ->
            NEW_SLEEP;
            do
            :: true ->
                load_word_first(w, SPACE_WORD);
                store(PRODUCER, SPACE_WISH, WISH(s - D + ASK - 1));
                sleeper_fence(PRODUCER);
#ifndef NO_RECHECK
                if
                :: mem[RETIRED] + D >= s + ASK - 1 -> break
                :: else
                fi;
#endif
                load_word_last(w, SPACE_WORD);
                futex_wait(producer_sleeps, SPACE_WORD, w);
#ifdef NO_RECHECK
                if
                :: mem[RETIRED] + D >= s + ASK - 1 -> break
                :: else
                fi
#endif
            od;
            w = 0;
            read_consume_page()
        :: else
        fi;
        d_step { assert(retired + D >= s); retired = 0 }
        atomic {
            if
            :: lent[0] == 0 -> x = 0
            :: lent[1] == 0 -> x = 1
            :: lent[2] == 0 -> x = 2
            fi;
            lent[x] = s
        }
        store(PRODUCER, PAY(x), s);
        slot_of[s] = x;
        store_release(PRODUCER, SEQ(s % D), s);
        waker_fence(PRODUCER);
        wish = mem[DATA_WISH];
        if
        :: WAKES(s - 1, wish, s) ->
            REMEMBER(wish);
            bump_and_wake(PRODUCER, consumer_sleeps, DATA_WORD, word)
        :: else
        fi;
        d_step { wish = 0; x = 0; s++ }
    :: else -> break
    od
}

inline release(which)
{
#ifndef RELEASED_BEFORE_LOOK
    assert(mem[PAY(slot_of[which])] == which);
#endif
    store_release(CONSUMER, STATE(which % D), RELEASED);
#ifdef RELEASED_BEFORE_LOOK
    assert(mem[PAY(slot_of[which])] == which);
#endif
    d_step { released = released | BIT(which); f = retired }
    do
#ifdef RETIRED_OUT_OF_ORDER
    :: f == retired && f < N ->
#else
    :: released & BIT(f + 1) ->
#endif
#ifdef NO_FREE_AT_RETIRE
        f++;
#elif defined(FREE_AFTER_RETIRED)
        f++;
        store_release(CONSUMER, RETIRED, f);
        store_release(CONSUMER, STATE(f % D), FREE);
#else
        f++;
        store(CONSUMER, STATE(f % D), FREE);
#endif
    :: else -> break
    od;
    if
    :: f > retired ->
        store_release(CONSUMER, RETIRED, f);
        waker_fence(CONSUMER);
        wish = mem[SPACE_WISH];
        if
        :: WAKES(retired, wish, f) ->
            REMEMBER(wish);
            bump_and_wake(CONSUMER, producer_sleeps, SPACE_WORD, word)
        :: else
        fi;
        retired = f
    :: else
    fi;
    d_step { f = 0; wish = 0 }
}

active proctype consumer()
{
    byte next = 1, held[2], f = 0, retired = 0, word = 0, w = 0, wish = 0;
    byte epoch = 0, woken = 0;
    short released = 0;

    do
    :: held[0] == 0 || held[1] == 0 ->
        if
        :: next > N -> 
            if
            :: held[0] == 0 && held[1] == 0 -> break
            :: else -> goto must_release
            fi
        :: else
        fi;
        if
        :: mem[SEQ(next % D)] == next
        :: else ->
            /* nothing there: a frame beyond those that the port holds back is released first */
            if
            :: (held[0] != 0) + (held[1] != 0) > HOLDS -> goto must_release
            :: else
            fi;
            NEW_SLEEP;
            do
            :: true ->
                load_word_first(w, DATA_WORD);
                store(CONSUMER, DATA_WISH, WISH(next));
                sleeper_fence(CONSUMER);
#ifndef NO_RECHECK
                if
                :: mem[SEQ(next % D)] == next -> break
                :: else
                fi;
#endif
                load_word_last(w, DATA_WORD);
                futex_wait(consumer_sleeps, DATA_WORD, w);
#ifdef NO_RECHECK
                if
                :: mem[SEQ(next % D)] == next -> break
                :: else
                fi
#endif
            od;
            w = 0
        fi;
        store(CONSUMER, STATE(next % D), CLAIMED);
        assert(mem[PAY(slot_of[next])] == next);
        d_step {
            if
            :: held[0] == 0 -> held[0] = next
            :: else -> held[1] = next
            fi;
            next++
        }
    :: (held[0] != 0) + (held[1] != 0) > HOLDS ->
must_release:
        if
        :: held[0] != 0 && (HOLDS == 0 || held[1] == 0 || held[0] < held[1]) ->
            release(held[0]);
            held[0] = 0
        :: held[1] != 0 && (HOLDS == 0 || held[0] == 0 || held[1] < held[0]) ->
            release(held[1]);
            held[1] = 0
        fi
    od;
    assert(retired == N)
}
