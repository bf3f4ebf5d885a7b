// What `ps` shows: the memory of argv and the environment, which the kernel reads, is overwritten with the title.

#pragma once

#include <string_view>

namespace wsd::worker {

// First thing in main: moves the environment out of the way and remembers where argv lives. argv's strings must not be
// used after the first set_process_title().
void init_process_title(int argc, char** argv);

// "wsd: worker process  wsd/2". Cut to the room there is; the thread's name (15 bytes) becomes the part after "wsd: ".
void set_process_title(std::string_view title);

}  // namespace wsd::worker
