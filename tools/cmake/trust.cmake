# cmake -DOUT=file.c -P trust.cmake -- a.so b.so ...: writes the SHA-256 sums of the files as the list of host/plugins/trust.h
set(rows "")
set(count 0)
set(seen_dashes FALSE)
math(EXPR last "${CMAKE_ARGC} - 1")
foreach(i RANGE ${last})
  if(seen_dashes)
    file(SHA256 "${CMAKE_ARGV${i}}" sum)
    get_filename_component(name "${CMAKE_ARGV${i}}" NAME)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${sum}")
    string(APPEND rows "    {${bytes}}, /* ${name} */\n")
    math(EXPR count "${count} + 1")
  elseif("${CMAKE_ARGV${i}}" STREQUAL "--")
    set(seen_dashes TRUE)
  endif()
endforeach()
if(count EQUAL 0)
  set(rows "    {0}, /* no plugin in this build */\n")
endif()
set(text "/* SPDX-License-Identifier: Apache-2.0 */
/* Made by tools/cmake/trust.cmake after the plugins were linked. */
#include \"host/plugins/trust.h\"

static const unsigned char sums[][32] = {
${rows}};

const struct qun__trust qun__trust_built = {.count = ${count}, .sums = sums};
")
file(WRITE "${OUT}" "${text}")
