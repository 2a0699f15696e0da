# SPDX-License-Identifier: Apache-2.0
# cmake -DOUTPUT=policy_texts.c -DFILES="a.seccomp;b.seccomp" -P policy_texts.cmake
# Writes the array policy_texts of sandbox/policy_texts.h.
set(out "// Made from sandbox/policies.\n#include \"sandbox/policy_texts.h\"\n\n")
string(APPEND out "const struct policy_text policy_texts[] = {\n")
foreach(file IN LISTS FILES)
  get_filename_component(name "${file}" NAME_WE)
  file(STRINGS "${file}" lines)
  string(APPEND out "    {\"${name}\",\n")
  foreach(line IN LISTS lines)
    string(REPLACE "\\" "\\\\" line "${line}")
    string(REPLACE "\"" "\\\"" line "${line}")
    string(APPEND out "     \"${line}\\n\"\n")
  endforeach()
  string(APPEND out "    },\n")
endforeach()
string(APPEND out "    {0, 0},\n};\n")
file(WRITE "${OUTPUT}" "${out}")
