# cmake -DPAGE=page.html -DSOURCE=page.cpp -P EmbedPage.cmake: makes worker/apps/page.h come true.
#
# The page's one <style> and one <script> are named in its Content-Security-Policy by their SHA-256: a browser runs
# these bytes and nothing else, whatever else might find its way into the page.

# The base64 (RFC 4648 §4) of 32 bytes given as hexadecimal digits.
function(base64_of_sha256 digits result)
  set(alphabet "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
  set(text "")
  string(APPEND digits "00")  # 33 bytes are eleven times three
  foreach(at RANGE 0 60 6)
    string(SUBSTRING "${digits}" ${at} 6 three_bytes)
    foreach(shift 18 12 6 0)
      math(EXPR index "(0x${three_bytes} >> ${shift}) & 63")
      string(SUBSTRING "${alphabet}" ${index} 1 letter)
      string(APPEND text "${letter}")
    endforeach()
  endforeach()
  string(SUBSTRING "${text}" 0 43 text)
  set(${result} "${text}=" PARENT_SCOPE)
endfunction()

# 'sha256-…' for what is between <tag> and </tag>.
function(source_of tag result)
  string(FIND "${html}" "<${tag}>" begin)
  string(FIND "${html}" "<${tag}>" last REVERSE)
  string(FIND "${html}" "</${tag}>" end)
  if(begin EQUAL -1 OR end EQUAL -1 OR NOT begin EQUAL last)
    message(FATAL_ERROR "${PAGE} should have exactly one <${tag}>")
  endif()
  string(LENGTH "<${tag}>" length)
  math(EXPR begin "${begin} + ${length}")
  math(EXPR length "${end} - ${begin}")
  string(SUBSTRING "${html}" ${begin} ${length} content)
  string(SHA256 digits "${content}")
  base64_of_sha256("${digits}" text)
  set(${result} "'sha256-${text}'" PARENT_SCOPE)
endfunction()

file(READ "${PAGE}" html)
source_of(style style)
source_of(script script)
# connect-src: the console connects to whatever address it is given. Trusted Types: text never becomes markup.
string(JOIN "; " policy
  "default-src 'none'" "script-src ${script}" "style-src ${style}" "img-src data:" "connect-src ws: wss:"
  "base-uri 'none'" "form-action 'none'" "frame-ancestors 'none'" "require-trusted-types-for 'script'")

file(WRITE "${SOURCE}" "// Made of worker/apps/page.html by scripts/cmake/EmbedPage.cmake.
#include \"worker/apps/page.h\"

namespace wsd::worker {

std::string_view page_html() {
  return R\"page(${html})page\";
}

std::string_view page_policy() {
  return \"${policy}\";
}

}  // namespace wsd::worker
")
