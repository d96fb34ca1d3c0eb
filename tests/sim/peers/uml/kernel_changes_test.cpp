// What our changes to the kernel are for, on the kernel itself. Skipped where it has not been built.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>

#include "sim/peers/ask_program.h"
#include "sim/peers/uml/ground.h"
#include "tests/sim/peers/uml/workshop.h"

namespace gatelab::sim::peers::uml {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class KernelChanges : public ::testing::Test {
protected:
    void SetUp() override {
        if (const auto can = can_run_guests(); !can) GTEST_SKIP() << can.error().detail;
        kernel_ = find_kernel()->path;
    }
    // A command line, with the same addresses each time, that boots the kernel into a first program.
    std::vector<std::string> boot(const std::string& init) const {
        return {"/usr/bin/setarch",
                "-R",
                kernel_.string(),
                "mem=64M",
                "time-travel",
                "time-travel-start=1700000000",
                "umid=trial",
                "uml_dir=" + workshop_.folder().string() + "/",
                "root=/dev/root",
                "rootfstype=hostfs",
                "rootflags=/",
                "ro",
                "con=null",
                "con0=null,fd:1",
                "quiet",
                "init=" + init};
    }
    std::vector<std::string> boot_shell(const std::string& script) const {
        auto words = boot("/bin/sh");
        words.insert(words.end(), {"--", "-c", "\"" + script + "\""});
        return words;
    }
    // What a kernel says until it has said `sign`.
    static std::string hear(std::vector<std::string> words, std::vector<std::string> environment,
                            const std::string& sign) {
        environment.push_back("TMPDIR=" + guest_memory_folder()->string());
        const auto answer =
            ask_program({.arguments = std::move(words),
                         .environment = std::move(environment),
                         .patience = std::chrono::seconds(60),
                         .enough = [&](std::string_view text) { return text.find(sign) != text.npos; }});
        return answer ? answer->text : answer.error().detail;
    }
    std::string random_of(const std::string& seed) const {
        const auto text = hear(boot_shell("echo random $(od -An -tx1 -N16 /dev/urandom) end; read forever"),
                               {"UML_SEED=" + seed}, "end");
        const auto from = text.find("random ");
        return from == text.npos ? text : text.substr(from, text.find(" end") - from);
    }

    Workshop workshop_;
    fs::path kernel_;
};

TEST_F(KernelChanges, KeepEachThreadsVectorRegisters) {
    EXPECT_THAT(hear(boot(KEEP_VECTORS), {}, "vectors"), HasSubstr("vectors kept"));
}

TEST_F(KernelChanges, KeepThemWhereTheHostHasAmx) {
    const auto text = hear(boot(KEEP_VECTORS), {"LD_PRELOAD=" OTHER_XSTATE, "HOST_XSTATE=11008"}, "vectors");
    EXPECT_THAT(text, HasSubstr("vectors kept"));
    EXPECT_THAT(text, HasSubstr("wrote 11008 octets")) << "all of the state, as such a host wants it";
}

TEST_F(KernelChanges, LeaveHostsWithoutAmxAsTheyWere) {
    const auto text = hear(boot(KEEP_VECTORS), {"LD_PRELOAD=" OTHER_XSTATE, "HOST_XSTATE=2696"}, "vectors");
    EXPECT_THAT(text, HasSubstr("vectors kept"));
    EXPECT_THAT(text, HasSubstr("wrote 2696 octets")) << "the kernel's own part";
}

TEST_F(KernelChanges, DrawWhatIsRandomFromTheSeed) {
    const auto first = random_of("7");
    EXPECT_EQ(first.size(), std::string{"random "}.size() + 16 * 3 - 1) << first;
    EXPECT_EQ(random_of("7"), first);
    EXPECT_NE(random_of("8"), first);
}

// The processes of a session, by /proc.
std::vector<pid_t> processes_of(pid_t session) {
    std::vector<pid_t> found;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator("/proc", error)) {
        if (entry.path().filename().string().find_first_not_of("0123456789") != std::string::npos) continue;
        std::string text = Workshop::read(entry.path() / "stat");
        text.erase(0, text.rfind(')') + 1);
        std::istringstream fields{text};
        char state = 0;
        pid_t parent = 0, group = 0, its_session = 0;
        if (fields >> state >> parent >> group >> its_session && its_session == session && state != 'Z')
            found.push_back(std::stoi(entry.path().filename()));
    }
    return found;
}

bool comes_true(const std::function<bool()>& condition) {
    for (int i = 0; i < 1000; ++i) {
        if (condition()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
}

// A kernel that is left to itself. Whatever becomes of the test, nothing of it stays.
class LooseKernel {
public:
    LooseKernel(std::vector<std::string> words, const fs::path& console) {
        std::vector<char*> arguments;
        for (auto& one : words) arguments.push_back(one.data());
        arguments.push_back(nullptr);
        std::string memory = "TMPDIR=" + guest_memory_folder()->string();
        std::array<char*, 2> environment{memory.data(), nullptr};
        posix_spawn_file_actions_t files;
        posix_spawnattr_t attributes;
        posix_spawn_file_actions_init(&files);
        posix_spawnattr_init(&attributes);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
        posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_addopen(&files, 1, console.c_str(), O_WRONLY | O_CREAT, 0600);
        posix_spawn_file_actions_adddup2(&files, 1, 2);
        if (posix_spawn(&process_, arguments[0], &files, &attributes, arguments.data(), environment.data()) != 0)
            process_ = 0;
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&files);
    }
    ~LooseKernel() {
        kill_it();
        for (const auto left : processes()) ::kill(left, SIGKILL);
    }
    void kill_it() {
        if (process_ <= 0 || killed_) return;
        killed_ = true;
        ::kill(process_, SIGKILL);
        ::waitpid(process_, nullptr, 0);
    }
    std::vector<pid_t> processes() const { return process_ > 0 ? processes_of(process_) : std::vector<pid_t>{}; }

private:
    pid_t process_ = 0;
    bool killed_ = false;
};

TEST_F(KernelChanges, EndAGuestsProcessesWithItsKernel) {
    const auto console = workshop_.folder() / "console";
    LooseKernel kernel{boot_shell("echo spinning; while :; do :; done"), console};
    EXPECT_TRUE(comes_true([&] { return Workshop::read(console).find("spinning") != std::string::npos; }));
    EXPECT_GT(kernel.processes().size(), 1u) << "the kernel, and what it runs";
    kernel.kill_it();
    EXPECT_TRUE(comes_true([&] { return kernel.processes().empty(); }));
}

}  // namespace
}  // namespace gatelab::sim::peers::uml
