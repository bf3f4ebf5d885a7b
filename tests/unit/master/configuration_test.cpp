#include "master/configuration.h"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "master/exit_status.h"
#include "tests/unit/support/temporary_directory.h"

namespace wsd::master {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

class ConfigurationTest : public testing::Test {
 protected:
  ConfigurationTest() { layers.flags.config.give(file); }

  void write(const std::string& text) const { std::ofstream(file) << text; }
  [[nodiscard]] std::string origin(const char* key, const char* setting = "") const {
    return read_configuration(layers).origin_of(*find_option(key), setting);
  }
  static void give(Options& options, const char* key, const char* text) {
    ASSERT_EQ(options.set_text(key, text), std::nullopt);
  }
  template <typename Function>
  static std::string refusal(Function&& function) {
    try {
      static_cast<void>(function());
    } catch (const CommandError& error) {
      EXPECT_EQ(error.status(), CommandStatus::usage);
      return error.what();
    }
    ADD_FAILURE() << "was accepted";
    return {};
  }

  testing_support::TemporaryDirectory directory;
  std::string file = directory.file("wsd.toml");
  OptionLayers layers;
};

TEST_F(ConfigurationTest, CountsTheLaterLayer) {
  write("count = 2\napp = \"push\"\nmax_message = 1024\nlisten = [\"ws://a:1\", \"ws://a:2\"]\n");
  give(layers.environment, "app", "chat");
  give(layers.environment, "max_message", "2K");
  give(layers.environment, "listen", "ws://b:1");
  give(layers.flags, "max_message", "3K");
  const Options options = options_of(layers);
  EXPECT_EQ(*options.count, 2U);
  EXPECT_EQ(*options.app, "chat");
  EXPECT_EQ(*options.max_message, 3072U);
  EXPECT_THAT(*options.listen, ElementsAre(ListenUrl{Scheme::ws, "b", 1})) << "a list replaces a list";
  EXPECT_EQ(origin("count"), file + ":1");
  EXPECT_EQ(origin("app"), "environment: WSD_APP");
  EXPECT_EQ(origin("max_message"), "flag: --max-message");
  EXPECT_EQ(origin("name"), "default");
}

TEST_F(ConfigurationTest, MergesSettingsOneByOne) {
  write("[set]\na = \"file\"\nb = \"file\"\nc = \"file\"\n[set_file]\nd = \"/d\"\n");
  give(layers.environment, "set", "b=environment");
  give(layers.flags, "set_file", "c=/c");
  give(layers.flags, "set", "d=flag");
  const Options options = options_of(layers);
  EXPECT_THAT(*options.set, ElementsAre(Pair("a", "file"), Pair("b", "environment"), Pair("d", "flag")));
  EXPECT_THAT(*options.set_file, ElementsAre(Pair("c", "/c"))) << "a later file takes the place of a value";
  EXPECT_EQ(origin("set", "a"), file + ":2");
  EXPECT_EQ(origin("set", "b"), "environment: WSD_SET");
  EXPECT_EQ(origin("set_file", "c"), "flag: --set-file");
}

TEST_F(ConfigurationTest, GoesBackToTheDefaultWhereALineGoes) {
  write("api = [\"http://127.0.0.1:1\"]\nallow_origin = [\"absent\"]\n");
  EXPECT_EQ(options_of(layers).api->size(), 1U);
  write("");
  EXPECT_THAT(*options_of(layers).api, IsEmpty());
  EXPECT_THAT(*options_of(layers).allow_origin, IsEmpty());
}

TEST_F(ConfigurationTest, IsRefusedWithTheFirstThingThatIsWrong) {
  write("\ncount = 0\n");
  EXPECT_EQ(refusal([this] { return options_of(layers); }),
            file + ":2: count: must be a whole number from 1 to 256, not '0'");
  write("count = 0\nx = 1\ny = 1\n");
  EXPECT_THAT(refusal([this] { return options_of(layers); }), HasSubstr("(and 2 more: see `wsd check`)"));
  std::filesystem::remove(file);
  EXPECT_THAT(refusal([this] { return options_of(layers); }), HasSubstr("No such file"));
}

TEST_F(ConfigurationTest, NeedsNoFile) {
  give(layers.flags, "config", "/dev/null");
  EXPECT_EQ(config_file_of(layers), "");
  EXPECT_EQ(read_configuration(layers).file.path, "");
  EXPECT_EQ(*options_of(layers).count, *Options().count);
}

TEST_F(ConfigurationTest, IsNamedByFlagOrEnvironment) {
  EXPECT_EQ(config_file_of(layers), file);
  OptionLayers other;
  give(other.environment, "config", "/b");
  EXPECT_EQ(config_file_of(other), "/b");
  give(other.flags, "config", "/a");
  EXPECT_EQ(config_file_of(other), "/a");
}

TEST_F(ConfigurationTest, FindsTheInstanceWhateverElseIsWrong) {
  write("name = \"chat\"\nrun_dir = \"run\"\ncount = 0\nlisen = 1\napp = \"push\"\n");
  const Options found = with_instance(layers.flags);
  EXPECT_EQ(*found.name, "chat");
  EXPECT_EQ(*found.run_dir, directory.file("run"));
  EXPECT_FALSE(found.app.given()) << "nothing else of the file";
  Options flags = layers.flags;
  give(flags, "name", "other");
  EXPECT_EQ(*with_instance(flags).name, "other");

  write("name = \"a/b\"\n");
  EXPECT_THAT(refusal([this] { return with_instance(layers.flags); }), HasSubstr(":1: name: must be letters"));
  write("name = ");
  EXPECT_THAT(refusal([this] { return with_instance(layers.flags); }), HasSubstr(file + ":1: "));
  give(flags, "run_dir", "/r");
  EXPECT_EQ(*with_instance(flags).run_dir, "/r") << "without the file where nothing in it counts";
}

TEST_F(ConfigurationTest, TellsWhatAReloadCannotChange) {
  Options running;
  give(running, "name", "chat");
  give(running, "count", "2");
  Options wanted;
  give(wanted, "count", "3");
  give(wanted, "log_file", "/var/log/x");
  EXPECT_THAT(
      keep_what_needs_a_start(wanted, running),
      ElementsAre("log_file stays standard error in the foreground, else /var/log/wsd/NAME.log as root, NAME.log "
                  "in run_dir: a reload cannot make it /var/log/x, `wsd restart` can",
                  "name stays chat: a reload cannot make it wsd, `wsd restart` can"));
  EXPECT_EQ(*wanted.name, "chat");
  EXPECT_FALSE(wanted.log_file.given());
  EXPECT_EQ(*wanted.count, 3U);
  EXPECT_THAT(keep_what_needs_a_start(wanted, running), IsEmpty());
}

}  // namespace
}  // namespace wsd::master
