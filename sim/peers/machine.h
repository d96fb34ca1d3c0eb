// A computer that real programs run on, joined to the simulated network at a port.
//
// Two kinds: a network namespace of this machine, in real time (namespace_machine.h), and a Linux kernel of its own in
// a User-Mode Linux guest, in virtual time (uml/guest_machine.h). A peer is written once, against this interface.
//
// All calls and callbacks happen on the simulation's thread; a callback never runs inside the call that caused it.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "impl/base/address.h"
#include "impl/base/result.h"
#include "impl/host/host.h"

namespace gatelab::sim::peers {

struct MachineSpec {
    std::vector<Ipv4Address> addresses;  // of its network card; the first is its source address
    std::uint16_t mtu = 1500;
    bool forwards = false;  // passes packets between its interfaces
    // More addresses of its card that its programs find there, but at which it does not answer: they may be others'.
    std::vector<Ipv4Address> borrowed = {};
};

struct ProgramSpec {
    std::vector<std::string> arguments;    // the first names the program, as an absolute path
    std::vector<std::string> environment;  // "NAME=value"; nothing is inherited
    std::string output;  // the file in the machine's folder that stdout and stderr are appended to; "": discarded
};

// A program that was started; it is killed when this is destroyed, and nothing more is told then.
class Program {
public:
    virtual ~Program() = default;
    virtual void signal(int number) = 0;  // no effect once it has ended
};

// "exit status 1", "killed by signal 9".
std::string describe_exit(int wait_status);

class Machine {
public:
    virtual ~Machine() = default;

    // The folder that we share with its programs, as we see it. What they have written there can be read at once; what
    // we put there they find when they look for it next. No sockets and no devices in it.
    virtual const std::filesystem::path& folder() const = 0;
    // A file of that folder, as its programs see it. The same in every run.
    virtual std::string inside(const std::string& relative) const = 0;
    // Where programs of this machine may put a UNIX socket, as they see it; short enough for one.
    virtual std::string socket_path(const std::string& name) const = 0;

    // Starts a program, once the machine runs. `ended` is told once: the wait status; or NotFound when the program is
    // not there; or Io when the machine has died.
    virtual std::unique_ptr<Program> run(const ProgramSpec&, std::function<void(Result<int>)> ended) = 0;
    // A stream to a UNIX socket that a program of this machine listens at; when nobody does, `closed` says why.
    virtual std::unique_ptr<TcpStream> connect(const std::string& socket_path) = 0;

    // Whether /etc and /var are its own, so that its programs may write there; else they are this computer's.
    virtual bool has_own_files() const = 0;

    // The machine's own network stack: its sockets, through its kernel, with its routes and tunnels.
    virtual Host& stack() = 0;
    // Why the machine is no more ("guest panicked: ..."), with the end of its console; nothing while it runs.
    virtual Result<void> health() const = 0;
};

}  // namespace gatelab::sim::peers
