#include "worker/apps/builtin_apps.h"

#include <array>

extern "C" {
extern const wsd::AppModule wsd_app_chat;
extern const wsd::AppModule wsd_app_danmaku;
extern const wsd::AppModule wsd_app_echo;
extern const wsd::AppModule wsd_app_push;
}

namespace wsd::worker {

namespace {

struct BuiltinApp {
  std::string_view name;
  const AppModule* module;
};

constexpr std::array builtin_apps = {
    BuiltinApp{"echo", &wsd_app_echo},
    BuiltinApp{"push", &wsd_app_push},
    BuiltinApp{"chat", &wsd_app_chat},
    BuiltinApp{"danmaku", &wsd_app_danmaku},
};

}  // namespace

const AppModule* find_builtin_app(std::string_view name) {
  for (const BuiltinApp& app : builtin_apps) {
    if (app.name == name) return app.module;
  }
  return nullptr;
}

std::vector<std::string_view> builtin_app_names() {
  std::vector<std::string_view> names;
  for (const BuiltinApp& app : builtin_apps) names.push_back(app.name);
  return names;
}

}  // namespace wsd::worker
