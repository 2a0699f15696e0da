/* SPDX-License-Identifier: Apache-2.0 */
/* Steps: a node with one input and two outputs makes each output exactly once across crashes. */

#ifndef N
#define N 5                     /* frames on the input link */
#endif
#ifndef CRASHES
#define CRASHES 3
#endif

/* consume page of the input, carried over by the broker: one state per frame */
#define QUEUED 0
#define CLAIMED 1
#define RELEASED 2
byte input[N + 1];

/* status page of this life; claims are a mask of input frames, 0 = none written */
byte step = 0, claims = 0, done = 0;

/* outputs A and B, links of depth 1, so that the newest cell is also the one that is rewritten */
byte cell_step[2];
bool cell_is_committed[2];      /* its seq word says a frame */

/* broker: last step per output, kept across generations; what it tells a replacement */
byte last_step[2], first_step = 1, again = 0;
bool dead = false, finished = false;

/* what the assertions know: the input frames that made the output frame which f is part of */
byte made[2 * (N + 1)];
#define MADE(output, f) made[(output) * (N + 1) + f]
byte processed = 0, silent = 0; /* masks of input frames */

#define BIT(f) (1 << (f))

/* a step with frame 2 gives nothing on B: at most one frame per step and output */
#define IS_SILENT(mask) ((mask) & BIT(2))

#define MAY_DIE if :: life <= CRASHES -> goto crashed :: true fi

inline take()
{
    /* a batch of one or two, in order */
    f = 1;
    do
    :: f <= N && input[f] != QUEUED -> f++
    :: else -> break
    od;
    if
    :: f <= N ->
        atomic { input[f] = CLAIMED; mine = mine | BIT(f); MAY_DIE }
        if
        :: f + 1 <= N -> atomic { input[f + 1] = CLAIMED; mine = mine | BIT(f + 1); MAY_DIE }
        :: true
        fi
    :: else
    fi;
    f = 0
}

inline publish(output)
{
    atomic {
#ifndef NO_SUPPRESSION
        if
        :: last_step[output] >= number
        :: else ->
#endif
#ifndef CELL_NOT_MARKED_INVALID
            cell_is_committed[output] = false;
            MAY_DIE;
#endif
            cell_step[output] = number;
            MAY_DIE;
            f = 1;
            do
            :: f <= N && (mine & BIT(f)) -> assert(MADE(output, f) == 0);
                MADE(output, f) = mine; f++
            :: f <= N && !(mine & BIT(f)) -> f++
            :: f > N -> break
            od;
            f = 0;
            cell_is_committed[output] = true
#ifndef NO_SUPPRESSION
        fi
#endif
        ;
        MAY_DIE
    }
}

inline write_step()
{
#ifdef CLAIMS_BEFORE_STEP
    atomic { claims = mine; MAY_DIE }
    atomic { step = number; MAY_DIE }
#else
    /* the count of claims went to 0 before the first take */
    atomic { step = number; MAY_DIE }
    atomic { claims = mine; MAY_DIE }
#endif
}

inline release_all()
{
    f = 1;
    do
    :: f <= N && (mine & BIT(f)) -> atomic { input[f] = RELEASED; MAY_DIE } f++
    :: f <= N && !(mine & BIT(f)) -> f++
    :: f > N -> break
    od;
    f = 0
}

proctype node(byte life)
{
    byte number, mine = 0, f = 0;
    bool flagged = false;

    number = first_step;
    do
    :: true ->
#ifndef CLAIMS_BEFORE_STEP
        atomic { claims = 0; MAY_DIE }
#endif
        if
        :: again != 0 ->
            d_step {
                flagged = true;
#ifdef SPLIT_REDELIVERY
                /* one frame per step */
                f = 1;
                do
                :: !(again & BIT(f)) -> f++
                :: else -> break
                od;
                mine = BIT(f);
                f = 0;
#else
                mine = again;
#endif
                again = again & ~mine
            }
        :: else -> flagged = false; take()
        fi;
        if
        :: mine == 0 -> break
        :: else
        fi;
#ifndef STEP_WRITTEN_AFTER_PUBLISH
        write_step();
#endif
        /* process() */
#ifdef REDELIVERED_WITHOUT_FLAG
        flagged = false;
#endif
        atomic {
            assert(flagged || !(processed & mine));
            processed = processed | mine;
            MAY_DIE
        }
        publish(0);
        if
        :: IS_SILENT(mine) -> silent = silent | mine
        :: else -> publish(1)
        fi;
#ifdef STEP_WRITTEN_AFTER_PUBLISH
        write_step();
#endif
#ifdef DONE_AFTER_RELEASE
        release_all();
        atomic { done = number; MAY_DIE }
#elif defined(NO_DONE)
        release_all();
#else
        atomic { done = number; MAY_DIE }
        release_all();
#endif
        d_step { mine = 0; number++ }
    od;
    finished = true;
    goto ended;
crashed:
    skip;
    d_step { mine = 0; f = 0; number = 0; flagged = false; dead = true }
ended:
    skip
}

#ifdef ONE_OUTPUT_IS_ENOUGH
#define OUTPUTS_HAVE(n) (last_step[0] >= (n) || last_step[1] >= (n))
#else
#define OUTPUTS_HAVE(n) (last_step[0] >= (n) && last_step[1] >= (n))
#endif

/* A cell that is not committed says nothing, and then the output does not have the step of the
 * status page: one frame per step, and the frame before it is of an older step. */
inline keep_last_step(output)
{
#ifdef STEP_FORGOTTEN_ACROSS_GENERATIONS
    last_step[output] = (cell_is_committed[output] -> cell_step[output] : 0);
#else
    last_step[output] = (cell_is_committed[output] -> cell_step[output] : last_step[output]);
#endif
    /* the outputs of the next life are a new generation */
    cell_step[output] = 0;
    cell_is_committed[output] = false
}

init
{
    byte life = 1, f = 0;

    run node(life);
    do
    :: dead ->
        atomic {
            keep_last_step(0);
            keep_last_step(1);
            if
            :: step != 0 && (done >= step || OUTPUTS_HAVE(step)) ->
                first_step = step + 1;
                f = 1;
                do
                :: f <= N ->
                    if
                    :: claims & BIT(f) -> input[f] = RELEASED
                    :: else
                    fi;
                    f++
                :: f > N -> break
                od
            :: step != 0 && !(done >= step || OUTPUTS_HAVE(step)) ->
#ifdef NEW_NUMBER_FOR_REPEATED_STEP
                first_step = step + 1
#else
                first_step = step
#endif
            :: else
            fi;
            again = 0;
            f = 1;
            do
            :: f <= N ->
                if
                :: input[f] == CLAIMED -> again = again | BIT(f)
                :: else
                fi;
                f++
            :: f > N -> break
            od;
            f = 0;
            step = 0;
            claims = 0;
            done = 0;
            dead = false;
            life++;
            run node(life)
        }
    :: finished -> break
    od;
    f = 1;
    do
    :: f <= N ->
        assert(input[f] == RELEASED);
        /* on A exactly once; on B the same frame, but where the node gave none */
        assert(MADE(0, f) != 0);
        assert((silent & BIT(f)) || MADE(1, f) == MADE(0, f));
        assert(!(silent & BIT(f)) || MADE(1, f) == 0);
        f++
    :: f > N -> break
    od
}
