// A guest's kernel as a process of this machine: its folder, its command line, its console and its end.
//
// Nothing of the caller reaches the guest: command line and environment are the same whatever the folder is called and
// whoever runs it. The kernel runs inside its scratch folder and knows only relative names there:
//
//   kernel -> the kernel        root -> /           memory -> a folder in memory, or a real one
//   share -> GuestSpec::share   clock.sock          card0.sock, card1.sock, ...
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/peers/uml/guests.h"
#include "sim/peers/uml/keeper.h"

namespace gatelab::sim::peers::uml {

// A folder for guests' memory: a tmpfs with room for so much, on which files may be executed; else none.
std::optional<std::filesystem::path> memory_folder(std::uint64_t octets);

class GuestProcess {
public:
    // NotFound when the kernel or the share is not there; Io; the errors of Keeper::run().
    static Result<std::unique_ptr<GuestProcess>> start(Keeper&, const GuestSpec&, const std::string& folder_name,
                                                       const std::optional<std::filesystem::path>& memory);

    FileDescriptor take_clock() { return std::move(clock_); }                            // listening
    FileDescriptor take_card(std::size_t index) { return std::move(cards_.at(index)); }  // listening
    pid_t process() const { return process_; }
    bool running() { return !keeper_.ended(process_); }
    void kill() { keeper_.kill(process_); }
    // How the process ended, in words: "panicked: ...", "was killed by signal 9"; nothing if it has not so far.
    std::optional<std::string> end(Duration wait);
    std::string last_lines() const;  // of the console
    std::size_t resident() const;    // octets

private:
    explicit GuestProcess(Keeper& keeper) : keeper_(keeper) {}
    Result<void> furnish(const GuestSpec&, const std::filesystem::path& folder,
                         const std::optional<std::filesystem::path>& memory);

    Keeper& keeper_;
    pid_t process_ = -1;
    std::filesystem::path console_;
    FileDescriptor clock_;
    std::vector<FileDescriptor> cards_;
};

}  // namespace gatelab::sim::peers::uml
