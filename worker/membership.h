// That one connection takes part in one channel. A connection owns its memberships; channels.h changes them.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace wsd::worker {

class Channel;

struct Membership {
  Channel* channel = nullptr;
  std::string name;            // what the channel's other members know the connection by
  std::uint32_t position = 0;  // among the channel's subscribers, once it is joined
  std::uint64_t question = 0;  // what the channel's home was asked last; 0: nothing that is not answered
  std::string asked_name;      // with which name
  bool joined = false;         // gets messages
};

using Memberships = std::vector<Membership>;

}  // namespace wsd::worker
