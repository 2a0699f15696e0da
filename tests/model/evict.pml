/* SPDX-License-Identifier: Apache-2.0 */
/* Take, release and evict on a link that evicts: hazards against the reuse of slots. */

#ifndef N
#define N 5                     /* frames published */
#endif
#define D 2                     /* depth of the ring */
#define S 4                     /* slots: depth + one claim + the producer's own claim */

#define SEQ(c) (c)
#define SLOT(c) (2 + (c))
#define LOW 4
#define TAIL 5
#define NEXT 6
#define HAZARD 7
#define PAY(x) (8 + (x))
#define M 12
#define WAITED before[0] | before[1] | before[2] | before[3] | before[4] | before[5] | before[6] | \
    before[7] | before[8] | before[9] | before[10] | before[11]
#define PRODUCER 3903           /* all but NEXT and HAZARD */
#define CONSUMER 192

#include "memory.inc"

byte lent[S];                   /* private to the producer: frame that lies in the slot, 0 = free */
bool consumer_done = false;

active proctype memory()
{
    byte drain_i = 0;
end:
    do
    DRAIN(0) DRAIN(1) DRAIN(2) DRAIN(3) DRAIN(4) DRAIN(5) DRAIN(6) DRAIN(7) DRAIN(8) DRAIN(9)
    DRAIN(10) DRAIN(11)
    od
}

/* A slot is free when no hazard says its frame and the frame was passed by next, or was evicted and
 * a fence came after the invalidation. */
#ifdef ONLY_BELOW_NEXT
#define MAY_REUSE(f) ((f) < next && (f) != hazard)
#elif defined(NO_HAZARD_CHECK)
#define MAY_REUSE(f) ((f) < next || (f) <= gone)
#else
#define MAY_REUSE(f) (((f) < next || (f) <= gone) && (f) != hazard)
#endif

inline reap()
{
#ifdef HAZARDS_BEFORE_NEXT
    hazard = mem[HAZARD];
    next = mem[NEXT];
#else
    next = mem[NEXT];
    hazard = mem[HAZARD];
#endif
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

active proctype producer()
{
    byte s = 1, x = 0, next = 0, hazard = 0, gone = 0;

    do
    :: s <= N ->
        reap();
        atomic {
            assert(lent[0] == 0 || lent[1] == 0 || lent[2] == 0 || lent[3] == 0);
            if
            :: lent[0] == 0 -> x = 0
            :: lent[1] == 0 -> x = 1
            :: lent[2] == 0 -> x = 2
            :: lent[3] == 0 -> x = 3
            fi;
            lent[x] = s
        }
        store(PRODUCER, PAY(x), s);
        if
        :: s > D ->
            store(PRODUCER, LOW, s - D + 1);
#ifndef NO_INVALIDATE
            store(PRODUCER, SEQ(s % D), 0);
#endif
#ifndef NO_FENCE_EVICT
            fence(PRODUCER);
#endif
            gone = s - D
        :: else
        fi;
        store(PRODUCER, SLOT(s % D), x);
#ifdef NO_RELEASE_PUBLISH
        store(PRODUCER, SEQ(s % D), s);
#else
        store_release(PRODUCER, SEQ(s % D), s);
#endif
        store(PRODUCER, TAIL, s);
        x = 0;
        s++
    :: else -> break
    od;
    consumer_done && pending == 0;
    reap();
    assert(lent[0] == 0 && lent[1] == 0 && lent[2] == 0 && lent[3] == 0)
}

active proctype consumer()
{
    byte next = 1, f = 0, x = 0, low = 0, taken = 0, evicted = 0;

    do
    :: next <= N ->
        /* in order, or the newest that the hint shows (delivery `latest`) */
        atomic {
            if
            :: f = next
            :: mem[TAIL] > next -> f = mem[TAIL]
            fi
        }
#ifndef HAZARD_AFTER_CHECK
        store(CONSUMER, HAZARD, f);
#ifndef NO_FENCE_TAKE
        fence(CONSUMER);
#endif
#endif
#ifdef FIELDS_BEFORE_SEQ
        x = mem[SLOT(f % D)];
#endif
        if
        :: mem[SEQ(f % D)] != f -> goto missed
        :: else
        fi;
#ifdef NO_ACQUIRE_BEFORE_REREAD
        if
        :: mem[SEQ(f % D)] != f -> goto missed
        :: else
        fi;
        x = mem[SLOT(f % D)];
#else
#ifndef FIELDS_BEFORE_SEQ
        x = mem[SLOT(f % D)];
#endif
#ifndef NO_REREAD
        if
        :: mem[SEQ(f % D)] != f -> goto missed
        :: else
        fi;
#endif
#endif
#ifdef HAZARD_AFTER_CHECK
        store(CONSUMER, HAZARD, f);
        fence(CONSUMER);
#endif
        store_release(CONSUMER, NEXT, f + 1);
        d_step {
            evicted = evicted + f - next;
            taken++;
            next = f + 1
        }
#ifdef CLEAR_BEFORE_LOOK
        store_release(CONSUMER, HAZARD, 0);
#endif
        assert(mem[PAY(x)] == f);
        assert(mem[PAY(x)] == f);
#ifndef CLEAR_BEFORE_LOOK
        store_release(CONSUMER, HAZARD, 0);
#endif
        d_step { f = 0; x = 0 };
        goto again;
missed:
        store(CONSUMER, HAZARD, 0);
        low = mem[LOW];
        d_step {
            if
            :: low > next -> evicted = evicted + low - next; next = low
            :: else
            fi;
            f = 0;
            x = 0;
            low = 0
        }
again:  skip
    :: else -> break
    od;
    assert(taken + evicted == N);
    consumer_done = true
}
