// SPDX-License-Identifier: Apache-2.0
// Fills diagnoses.
#include "base/diag.h"

#include <stdarg.h>

#include "base/text.h"

void diag_set(struct diag *diag, const char *format, ...)
{
    struct text text = TEXT_OVER(diag->text);
    va_list list;
    va_start(list, format);
    text_add_format_list(&text, format, list);
    va_end(list);
}
