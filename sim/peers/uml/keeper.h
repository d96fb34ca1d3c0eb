// The keeper of guests: a child process that starts them and ends with the harness, however that ends. Nothing is left
// then: no process of theirs, and no scratch folder.
//
//   harness ---fork--> keeper ---fork, exec--> guest's kernel ---> processes of the guest
//
// Needs no privileges and no namespaces: orphans of a guest become the keeper's children (PR_SET_CHILD_SUBREAPER).
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "impl/base/result.h"
#include "impl/base/time.h"
#include "sim/peers/file_descriptor.h"

namespace gatelab::sim::peers::uml {

struct KeptProgram {
    std::string folder;                    // that it runs in
    std::vector<std::string> arguments;    // the first names the program, relative to the folder
    std::vector<std::string> environment;  // "NAME=value"; nothing is inherited
    FileDescriptor output;                 // stdout and stderr
};

class Keeper {
public:
    static Result<std::unique_ptr<Keeper>> start();
    ~Keeper();  // everything that it keeps is killed, and the scratch folder removed

    // A folder only we may read.
    const std::filesystem::path& scratch() const { return scratch_; }

    // Starts a program as the leader of a session of its own, at addresses that are the same in every run (no ASLR).
    // NotFound when it cannot be executed; Io when the keeper has died.
    Result<pid_t> run(KeptProgram);
    void kill(pid_t);  // and all that it has started
    // The wait status of a program that has ended, waiting for that at most so long (wall time).
    std::optional<int> ended(pid_t, Duration wait = {});

private:
    Keeper(std::filesystem::path scratch, pid_t process, FileDescriptor requests, FileDescriptor endings)
        : scratch_(std::move(scratch)),
          process_(process),
          requests_(std::move(requests)),
          endings_(std::move(endings)) {}

    std::filesystem::path scratch_;
    pid_t process_;
    FileDescriptor requests_, endings_;
    std::map<pid_t, int> ended_;
};

// The life of the keeper's process.
struct KeeperOffice {
    int requests, endings;
    std::filesystem::path scratch;
    pid_t harness;
};
[[noreturn]] void be_keeper(const KeeperOffice&);

}  // namespace gatelab::sim::peers::uml
