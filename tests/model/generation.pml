/* SPDX-License-Identifier: Apache-2.0 */
/* Generations of a lossless link: the producer dies or switches, the consumer drains and moves on. */

#ifndef N
#define N 5                     /* frames accepted in all */
#endif
#ifndef SWITCHES
#define SWITCHES 2              /* deaths and voluntary switches together */
#endif
#define D 2                     /* depth of the ring */
#define GENERATIONS (SWITCHES + 1)

/* publish pages and pools, one of each per generation; the slot of a frame is seq % D */
byte seq[GENERATIONS * D], payload[GENERATIONS * D];
byte tail[GENERATIONS], end_of[GENERATIONS], space_wish[GENERATIONS];
bool data_bumped[GENERATIONS];  /* the data word changed since the sleeper loaded it */
#define CELL(g, s) seq[(g) * D + (s) % D]
#define PAYLOAD(g, s) payload[POOL(g) * D + (s) % D]
#ifdef POOL_KEPT_BY_NEXT_GENERATION
#define POOL(g) 0
#else
#define POOL(g) (g)
#endif

/* consume pages */
byte retired[GENERATIONS], data_wish[GENERATIONS];
bool space_bumped[GENERATIONS];

/* broker: messages and bells */
byte to_consumer = 0;           /* newest generation that the consumer was given */
byte told_end[GENERATIONS];     /* end that the broker told for a dead producer, 0 = none */
byte page_of = 0;               /* newest generation whose consume page the producer was given */
byte first_seq[GENERATIONS];
byte newest = 0, drained = 0;   /* generations made, generations that the consumer left behind */
bool producer_rung = false, consumer_rung = false;
bool producer_sleeps = false, consumer_sleeps = false;
bool dead = false, wants_switch = false, consumer_done = false;

/* what the assertions know */
byte accepted = 0, delivered = 0;       /* seqs that publish returned from, that were delivered */

#define MAY_DIE if :: g < SWITCHES -> goto crashed :: true fi

inline wake_consumer(g)
{
    data_bumped[g] = true;
    consumer_sleeps = false
}

/* A page that came since the last look: what was published before it saw no wish. */
inline look_for_page()
{
    if
    :: !has_page && page_of >= g ->
        has_page = true;
#ifndef NO_WAKE_WITH_PAGE
        wake_consumer(g)
#endif
    :: else
    fi
}

#ifdef SPACE_WITHOUT_PAGE
#define HAS_SPACE (!has_page || retired[g] + D >= s)
#else
/* without a page the reader stands still */
#define HAS_SPACE ((has_page && retired[g] + D >= s) || first_seq[g] - 1 + D >= s)
#endif

inline wait_for_space()
{
    do
    :: true ->
        producer_rung = false;
        look_for_page();
        space_bumped[g] = false;
        space_wish[g] = s - D;
        if
        :: HAS_SPACE -> break
        :: else
        fi;
        atomic {
            if
#ifdef NO_BELL_IN_WAIT
            :: !space_bumped[g] -> producer_sleeps = true
#else
            :: !space_bumped[g] && !producer_rung -> producer_sleeps = true
#endif
            :: else
            fi
        }
        if
        :: !producer_sleeps
        :: g < SWITCHES -> goto crashed
        fi
    od;
    atomic { space_wish[g] = 0; space_bumped[g] = false; producer_rung = false }
}

proctype producer(byte g)
{
    byte s = 1, wish = 0;
    bool has_page = false;

    s = first_seq[g];
    do
    :: s <= N ->
        look_for_page();
        if
        :: HAS_SPACE
        :: else -> wait_for_space()
        fi;
        atomic { PAYLOAD(g, s) = s; MAY_DIE }
        /* the commit: from here on the frame is accepted */
        atomic { assert(s == accepted + 1); accepted = s; CELL(g, s) = s; MAY_DIE }
        atomic { tail[g] = s; MAY_DIE }
        if
        :: has_page ->
            wish = data_wish[g];
            if
            :: wish == s -> wake_consumer(g)
            :: else
            fi;
            wish = 0
        :: else
        fi;
        atomic { s++; MAY_DIE }
    :: s <= N && g < SWITCHES ->
        /* a format or a size changes: this generation ends here */
        end_of[g] = s;
        wake_consumer(g);
        wants_switch = true;
        goto ended
    :: s > N ->
        end_of[g] = s;
#ifndef NO_WAKE_AT_END
        wake_consumer(g);
#endif
        goto ended
    od;
crashed:
    skip;
    atomic { s = 0; wish = 0; producer_sleeps = false; dead = true }
ended:
    skip
}

inline look_for_messages()
{
    if
    :: to_consumer > mapped ->
        mapped = to_consumer;
        /* it mapped its new consume page and says so: now the producer gets it */
        atomic { page_of = mapped; producer_rung = true; producer_sleeps = false }
    :: else
    fi
}

active proctype consumer()
{
    byte g = 0, s = 1, mapped = 0;

    do
    :: true ->
        look_for_messages();
#ifdef MOVED_ON_BEFORE_END
        if
        :: mapped > g -> goto next_generation
        :: else
        fi;
#endif
        if
        :: CELL(g, s) == s ->
            atomic {
                assert(s == delivered + 1);
                assert(PAYLOAD(g, s) == s);
                delivered = s
            }
            retired[g] = s;
            if
            :: space_wish[g] == s -> space_bumped[g] = true; producer_sleeps = false
            :: else
            fi;
            s++
        :: else ->
            consumer_rung = false;
            data_bumped[g] = false;
            look_for_messages();
            data_wish[g] = s;
            if
            :: CELL(g, s) == s -> goto awake
            :: else
            fi;
            if
            :: s > N && end_of[g] == s -> break
            :: else
            fi;
            if
            :: mapped > g && (end_of[g] == s || told_end[g] == s) -> goto next_generation
            :: else
            fi;
            atomic {
                if
#ifdef NO_BELL_IN_WAIT
                :: !data_bumped[g] -> consumer_sleeps = true
#else
                :: !data_bumped[g] && !consumer_rung -> consumer_sleeps = true
#endif
                :: else
                fi
            }
            !consumer_sleeps;
awake:      atomic { data_wish[g] = 0; data_bumped[g] = false; consumer_rung = false }
        fi;
        goto again;
next_generation:
        atomic {
            data_wish[g] = 0;
            data_bumped[g] = false;
            retired[g] = 0;
            tail[g] = 0;
            consumer_rung = false;
            g++;
            drained = g
        }
again:  skip
    od;
    assert(delivered == N && accepted == N);
    consumer_done = true
}

inline new_generation(g, first)
{
#ifndef THIRD_DOES_NOT_WAIT
    drained >= g - 1;
#endif
    atomic {
#ifdef SEQ_STARTS_AGAIN
        first_seq[g] = 1;
#else
        first_seq[g] = first;
#endif
        tail[g] = first_seq[g] - 1;
        retired[g] = first_seq[g] - 1;
        newest = g;
        assert(newest - drained <= 1)
    }
    to_consumer = g;
    atomic { consumer_rung = true; consumer_sleeps = false }
    run producer(g)
}

init
{
    byte g = 0, last = 0;

    first_seq[0] = 1;
    run producer(0);
end:
    do
    :: dead ->
        d_step {
            dead = false;
            last = tail[g]
        }
#ifndef END_FROM_TAIL
        atomic {
            do
            :: CELL(g, last + 1) == last + 1 -> last++
            :: else -> break
            od
        }
#endif
        told_end[g] = last + 1;
        atomic { consumer_rung = true; consumer_sleeps = false }
        new_generation(g + 1, last + 1);
        d_step { g++; last = 0 }
    :: wants_switch ->
        d_step { wants_switch = false; last = end_of[g] }
        new_generation(g + 1, last);
        d_step { g++; last = 0 }
    od
}
