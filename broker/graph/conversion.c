// SPDX-License-Identifier: Apache-2.0
// Tries the chains of converters, short ones first, until one ends in what the input takes.
#include "broker/graph/conversion.h"

#include <errno.h>
#include <stdio.h>

#include "base/check.h"
#include "base/text.h"

#define PIXELS_EVEN_WIDTH (SB_BIT(SB_PIXEL_YUY2) | SB_BIT(SB_PIXEL_I420) | SB_BIT(SB_PIXEL_NV12))
#define PIXELS_EVEN_HEIGHT (SB_BIT(SB_PIXEL_I420) | SB_BIT(SB_PIXEL_NV12))
#define PIXELS_BUT_YUY2 (ALL & ~SB_BIT(SB_PIXEL_YUY2))
#define PIXELS_OF_GPU                                                                              \
    (SB_BIT(SB_PIXEL_RGBA) | SB_BIT(SB_PIXEL_BGRA) | SB_BIT(SB_PIXEL_I420) | SB_BIT(SB_PIXEL_NV12))
#define ALL (~UINT32_C(0))

struct row {
    const char *processor;
    enum sb_format_kind kind;
    uint32_t changes;
    uint32_t pixels;
    uint32_t from_memory;
    uint32_t to_memory;
};

static const struct row rows[] = {
#define CONVERTER(NAME, name, KIND, CHANGES, takes, FROM, TO)                                      \
    [CONVERTER_##NAME] = {.processor = name,                                                       \
                          .kind = SB_FORMAT_##KIND,                                                \
                          .changes = CHANGES,                                                      \
                          .pixels = takes,                                                         \
                          .from_memory = SB_BIT(SB_MEMORY_##FROM),                                 \
                          .to_memory = SB_BIT(SB_MEMORY_##TO)},
#include "broker/graph/converter.def"
#undef CONVERTER
};

const char *conversion_processor(enum converter converter)
{
    SB_ASSERT(converter < CONVERTER_COUNT);
    return rows[converter].processor;
}

enum sb_format_kind conversion_kind(enum converter converter)
{
    SB_ASSERT(converter < CONVERTER_COUNT);
    return rows[converter].kind;
}

bool conversion_is_on_gpu(enum converter converter)
{
    SB_ASSERT(converter < CONVERTER_COUNT);
    uint32_t memories = rows[converter].from_memory | rows[converter].to_memory;
    return (memories & SB_BIT(SB_MEMORY_GPU)) != 0;
}

struct conversion_side conversion_side_of(const struct sb_format *format, uint32_t memories)
{
    struct conversion_side side = {.kind = format->kind, .memories = memories};
    if (format->kind == SB_FORMAT_VIDEO) {
        side.pixels = SB_BIT(format->video.pixel);
        side.width = format->video.width;
        side.height = format->video.height;
    } else if (format->kind == SB_FORMAT_AUDIO) {
        side.samples = SB_BIT(format->audio.sample);
        side.rate_min = side.rate_max = format->audio.rate;
        side.channels_min = side.channels_max = format->audio.channels;
    }
    return side;
}

static uint32_t all_if_zero(uint32_t set)
{
    return set == 0 ? ALL : set;
}

// The pixel formats that a side has, without those that its size does not allow.
static uint32_t pixels_of(const struct conversion_side *side)
{
    uint32_t pixels = all_if_zero(side->pixels);
    pixels &= side->width % 2 == 0 ? ALL : ~PIXELS_EVEN_WIDTH;
    return pixels & (side->height % 2 == 0 ? ALL : ~PIXELS_EVEN_HEIGHT);
}

static bool is_same_side(uint32_t from, uint32_t to)
{
    return from == 0 || to == 0 || from == to;
}

static bool is_overlap(uint32_t low, uint32_t high, uint32_t other_low, uint32_t other_high)
{
    return (high == 0 || high >= other_low) && (other_high == 0 || other_high >= low);
}

bool conversion_meets(const struct conversion_side *from, const struct conversion_side *to)
{
    return from->kind == to->kind && (from->memories & to->memories) != 0 &&
           (pixels_of(from) & all_if_zero(to->pixels)) != 0 &&
           is_same_side(from->width, to->width) && is_same_side(from->height, to->height) &&
           (all_if_zero(from->samples) & all_if_zero(to->samples)) != 0 &&
           is_overlap(from->rate_min, from->rate_max, to->rate_min, to->rate_max) &&
           is_overlap(from->channels_min, from->channels_max, to->channels_min, to->channels_max);
}

static void add_param(struct conversion_step *step, const char *name, const char *value)
{
    SB_ASSERT(step->param_count < CONVERSION_PARAMS_MAX);
    struct conversion_param *param = &step->params[step->param_count++];
    param->name = name;
    text_copy(param->value, sizeof param->value, value);
}

static void add_number(struct conversion_step *step, const char *name, uint32_t value)
{
    char text[CONVERSION_VALUE_BYTES];
    snprintf(text, sizeof text, "%u", value);
    add_param(step, name, text);
}

// The side that the input asks for; else the one there is, made even for formats that need it.
static uint32_t wanted_length(uint32_t is, uint32_t wanted)
{
    return wanted != 0 ? wanted : is + is % 2;
}

static void change_size(struct conversion_side *side, const struct conversion_side *to,
                        struct conversion_step *step)
{
    side->width = wanted_length(side->width, to->width);
    side->height = wanted_length(side->height, to->height);
    add_number(step, "width", side->width);
    add_number(step, "height", side->height);
}

static bool is_within(uint32_t low, uint32_t high, uint32_t to_low, uint32_t to_high)
{
    return low >= to_low && (to_high == 0 || (high != 0 && high <= to_high));
}

// The value in the bounds of the input that is nearest to what comes.
static uint32_t nearest_value(uint32_t high, uint32_t to_low, uint32_t to_high)
{
    bool is_above = to_high != 0 && (high == 0 || high > to_high);
    return is_above ? to_high : to_low;
}

static void change_range(uint32_t *low, uint32_t *high, uint32_t to_low, uint32_t to_high,
                         const char *name, struct conversion_step *step)
{
    if (!is_within(*low, *high, to_low, to_high)) {
        *low = *high = nearest_value(*high, to_low, to_high);
        add_number(step, name, *low);
    }
}

static void change_samples(struct conversion_side *side, const struct conversion_side *to,
                           struct conversion_step *step)
{
    if (to->samples == 0 || (side->samples != 0 && (side->samples & ~to->samples) == 0)) {
        return;
    }
    // The last one loses least.
    enum sb_sample best = SB_SAMPLE_NONE;
#define X(NAME, text, bytes)                                                                       \
    best = (to->samples & SB_BIT(SB_SAMPLE_##NAME)) != 0 ? SB_SAMPLE_##NAME : best;
    SB_SAMPLES(X)
#undef X
    side->samples = SB_BIT(best);
    add_param(step, "sample", sb_sample_name(best));
}

// What comes out of a converter, and how it has to be set. False when it does not take the side.
static bool apply(enum converter converter, struct conversion_side *side,
                  const struct conversion_side *to, struct conversion_step *step)
{
    const struct row *row = &rows[converter];
    uint32_t pixels = pixels_of(side) & all_if_zero(row->pixels);
    if (row->kind != side->kind || (row->from_memory & side->memories) == 0 || pixels == 0) {
        return false;
    }
    *step = (struct conversion_step){.converter = converter};
    side->memories = row->to_memory;
    side->pixels = (row->changes & CONVERSION_PIXEL) != 0 ? row->pixels : pixels;
    if ((row->changes & CONVERSION_SIZE) != 0) {
        change_size(side, to, step);
    }
    if ((row->changes & CONVERSION_SAMPLE) != 0) {
        change_samples(side, to, step);
    }
    if ((row->changes & CONVERSION_RATE) != 0) {
        change_range(&side->rate_min, &side->rate_max, to->rate_min, to->rate_max, "rate", step);
    }
    if ((row->changes & CONVERSION_CHANNELS) != 0) {
        change_range(&side->channels_min, &side->channels_max, to->channels_min, to->channels_max,
                     "channels", step);
    }
    return true;
}

// A converter of pixel formats makes what its reader takes. One that is not the last has to be told
// what the input behind its reader takes.
static void settle_pixels(struct conversion *conversion, uint32_t pixels)
{
    for (size_t i = 0; i + 1 < conversion->step_count; i++) {
        struct conversion_step *step = &conversion->steps[i];
        if ((rows[step->converter].changes & CONVERSION_PIXEL) != 0) {
            enum sb_pixel pixel = SB_PIXEL_NONE + 1;
            while ((pixels & SB_BIT(pixel)) == 0) {
                pixel++;
            }
            add_param(step, "pixel", sb_pixel_name(pixel));
        }
    }
}

// The chain whose converters are the digits of a number.
static bool try_chain(size_t number, const struct conversion_side *from,
                      const struct conversion_side *to, struct conversion *conversion)
{
    struct conversion_side side = *from;
    for (size_t i = conversion->step_count; i-- > 0; number /= CONVERTER_COUNT) {
        conversion->steps[i].converter = (enum converter)(number % CONVERTER_COUNT);
    }
    for (size_t i = 0; i < conversion->step_count; i++) {
        if (!apply(conversion->steps[i].converter, &side, to, &conversion->steps[i])) {
            return false;
        }
    }
    if (!conversion_meets(&side, to)) {
        return false;
    }
    settle_pixels(conversion, pixels_of(&side) & all_if_zero(to->pixels));
    return true;
}

int conversion_find(const struct conversion_side *from, const struct conversion_side *to,
                    struct conversion *out_conversion)
{
    size_t chains = 1;
    for (size_t length = 1; length <= CONVERSION_STEPS_MAX; length++) {
        chains *= CONVERTER_COUNT;
        for (size_t number = 0; number < chains; number++) {
            struct conversion conversion = {.step_count = length};
            if (try_chain(number, from, to, &conversion)) {
                *out_conversion = conversion;
                return 0;
            }
        }
    }
    return -ENOENT;
}

void conversion_text(const struct conversion *conversion, char *out, size_t size_bytes)
{
    struct text text = text_over(out, size_bytes);
    for (size_t i = 0; i < conversion->step_count; i++) {
        bool is_last = i + 1 == conversion->step_count;
        text_add_format(&text, "%s'%s'",
                        i == 0    ? ""
                        : is_last ? " and "
                                  : ", ",
                        conversion_processor(conversion->steps[i].converter));
    }
}
