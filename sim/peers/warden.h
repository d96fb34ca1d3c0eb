// The keeper of real programs: a child process that owns their namespaces, starts them and ends with them.
//
//   harness ---fork--> caretaker ---fork--> warden (pid 1 of a PID namespace) ---fork--> programs
//                      new user, network, mount and PID namespaces
//
// The harness itself enters no namespace, so it may have threads, and any number of harnesses may run side by side.
// When it dies, however it dies, the socket to the warden closes, the warden ends, the kernel kills everything in the
// PID namespace, and the caretaker removes the scratch folder.
//
// Without privileges the namespaces hang under a user namespace of their own; root goes without one.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "impl/base/address.h"
#include "impl/base/result.h"
#include "sim/peers/file_descriptor.h"
#include "sim/peers/machine.h"

namespace gatelab::sim::peers {

// A machine's network namespace, known by number.
using MachineId = int;

struct AttachedMachine {
    MachineId id = 0;
    FileDescriptor card;  // whole IPv4 packets: read what the machine sends, write what arrives for it; non-blocking
};

struct Command {
    std::vector<std::string> arguments;    // the first names the program, as an absolute path
    std::vector<std::string> environment;  // "NAME=value"; nothing is inherited
    std::filesystem::path output;          // where stdout and stderr are appended; empty: discarded
};

struct WardenOptions {
    enum class UserNamespace { WhenNeeded, Always } user_namespace = UserNamespace::WhenNeeded;
};

class Warden {
public:
    // Unavailable, with the reason and what to do, when the machine does not permit namespaces.
    static Result<std::unique_ptr<Warden>> start(WardenOptions = {});
    ~Warden();  // everything that runs in it is killed and its scratch folder removed

    // A folder only we may read, for configuration, sockets and private logs; its path is short enough for UNIX
    // sockets.
    const std::filesystem::path& scratch() const { return scratch_; }
    pid_t process() const { return caretaker_; }

    // The calls below may come from any thread. Io when the warden has died.
    Result<AttachedMachine> add_machine(const MachineSpec&);
    Result<pid_t> run(MachineId, const Command&);  // NotFound when the program is not there
    void signal(pid_t, int number);
    // A socket of the machine, close-on-exec and non-blocking.
    Result<FileDescriptor> open_socket(MachineId, int domain, int type, int protocol);
    // The wait status of a program that has ended; nothing while it runs.
    std::optional<int> ended(pid_t);
    int endings() const { return sockets_.endings.get(); }  // readable: a program has ended, or the warden has died
    bool alive() const;

private:
    struct Sockets {
        FileDescriptor requests, endings;
    };
    Warden(std::filesystem::path scratch, pid_t caretaker, Sockets sockets)
        : scratch_(std::move(scratch)), caretaker_(caretaker), sockets_(std::move(sockets)) {}

    std::filesystem::path scratch_;
    pid_t caretaker_;
    Sockets sockets_;
    std::mutex mutex_;
    std::map<pid_t, int> ended_;
};

}  // namespace gatelab::sim::peers
