// A stage for tests with the real kernel.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "sim/peers/uml/guests.h"
#include "sim/peers/uml/kernel.h"
#include "tests/sim/peers/uml/event_clock.h"
#include "tests/sim/peers/uml/wire.h"

namespace gatelab::sim::peers::uml {

class KernelStage : public ::testing::Test {
protected:
    void SetUp() override {
        const auto found = find_kernel();
        if (!found) GTEST_SKIP() << found.error().detail;
        kernel = found->path;
        auto pattern = (std::filesystem::temp_directory_path() / "gatelab-test-XXXXXX").string();
        ASSERT_TRUE(::mkdtemp(pattern.data()));
        folder = std::filesystem::canonical(pattern);
        make_tmp("tmp");
    }
    void TearDown() override {
        guests.reset();
        ::unsetenv("TMPDIR");
        if (folder.empty()) return;
        std::error_code ignored;
        std::filesystem::remove_all(folder, ignored);
    }

    // Where scratch folders go from now on.
    void make_tmp(const std::string& name) {
        tmp = folder / name;
        std::filesystem::create_directories(tmp);
        ::setenv("TMPDIR", tmp.c_str(), 1);
    }
    // Processes that run inside a folder.
    static std::vector<pid_t> processes_in(const std::filesystem::path& place) {
        std::vector<pid_t> found;
        std::error_code error;
        for (const auto& entry : std::filesystem::directory_iterator{"/proc"}) {
            const auto name = entry.path().filename().string();
            if (name.find_first_not_of("0123456789") != std::string::npos) continue;
            const auto where = std::filesystem::read_symlink(entry.path() / "cwd", error).string();
            if (!error && where.starts_with(place.string() + "/")) found.push_back(std::stoi(name));
        }
        return found;
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

    std::filesystem::path kernel, folder, tmp;
    EventClock events;
    std::unique_ptr<Guests> guests;
};

}  // namespace gatelab::sim::peers::uml
