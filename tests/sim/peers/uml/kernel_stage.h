// A stage for tests with the real kernel.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "sim/peers/uml/guests.h"
#include "sim/peers/uml/kernel.h"
#include "tests/sim/peers/uml/event_clock.h"

namespace gatelab::sim::peers::uml {

class KernelStage : public ::testing::Test {
protected:
    void SetUp() override {
        if (const char* path = std::getenv("GATELAB_KERNEL")) kernel = path;
        if (kernel.empty()) GTEST_SKIP() << "no kernel; GATELAB_KERNEL names one";
        auto pattern = (std::filesystem::temp_directory_path() / "gatelab-test-XXXXXX").string();
        ASSERT_TRUE(::mkdtemp(pattern.data()));
        folder = pattern;
    }
    void TearDown() override {
        guests.reset();
        if (folder.empty()) return;
        std::error_code ignored;
        std::filesystem::remove_all(folder, ignored);
    }

    void create(GuestLimits limits = {}) {
        auto created = Guests::create(events.clock(), limits);
        ASSERT_TRUE(created) << created.error().detail;
        guests = std::move(*created);
    }
    // A guest whose init is a shell script.
    GuestSpec spec(const std::string& name, const std::string& script, std::size_t cards = 1) {
        GuestSpec wanted;
        wanted.name = name;
        wanted.kernel = kernel;
        wanted.share = folder / name;
        wanted.console = folder / (name + ".console");
        wanted.memory_mib = 64;
        wanted.time_of_day = instant_from_unix(1767225600);
        for (std::size_t i = 0; i < cards; ++i)
            wanted.cards.push_back({2, 0, 0, 0, static_cast<std::uint8_t>(name.back()), static_cast<std::uint8_t>(i)});
        std::filesystem::create_directories(wanted.share);
        write(wanted.share / "init",
              "#!/bin/sh\nexport PATH=/usr/sbin:/usr/bin:/sbin:/bin\nmount -n -t proc proc /proc\n" + script +
                  "\nsleep 1000000\n");
        std::filesystem::permissions(wanted.share / "init", std::filesystem::perms{0755});
        return wanted;
    }
    Guest* add(const GuestSpec& wanted) {
        auto added = guests->add(wanted);
        EXPECT_TRUE(added) << added.error().detail;
        return added ? *added : nullptr;
    }
    static void write(const std::filesystem::path& file, const std::string& text) { std::ofstream{file} << text; }
    static std::string text_of(const std::filesystem::path& file) {
        std::ostringstream text;
        text << std::ifstream{file}.rdbuf();
        return text.str();
    }

    std::filesystem::path kernel, folder;
    EventClock events;
    std::unique_ptr<Guests> guests;
};

}  // namespace gatelab::sim::peers::uml
