// Tells the simulation when sockets of the outside world have something for it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "sim/network/network.h"
#include "sim/peers/file_descriptor.h"

namespace gatelab::sim::peers {

// A thread waits for the sockets; the simulation's thread does all reading and writing. Each readiness is told once:
// whoever has dealt with it arms the watch again.
class SocketWatch {
public:
    struct Ready {
        bool readable = false, writable = false;
    };
    using Callback = std::function<void(Ready)>;

    explicit SocketWatch(Network&);
    ~SocketWatch();

    // Watches until the handle dies; no call comes after that.
    class Handle {
    public:
        Handle(SocketWatch& watch, std::uint64_t id, int descriptor)
            : watch_(watch), id_(id), descriptor_(descriptor) {}
        ~Handle();
        Handle(const Handle&) = delete;
        Handle& operator=(const Handle&) = delete;
        void arm(bool for_writing = false);  // always for reading

    private:
        SocketWatch& watch_;
        std::uint64_t id_;
        int descriptor_;
    };
    // Nothing is told before it is armed.
    [[nodiscard]] std::unique_ptr<Handle> add(int descriptor, Callback);

private:
    struct Table {  // the simulation's thread alone uses it
        std::map<std::uint64_t, std::shared_ptr<Callback>> callbacks;
    };
    void wait();

    Network& network_;
    std::shared_ptr<Table> table_ = std::make_shared<Table>();
    std::uint64_t next_ = 1;
    FileDescriptor poll_, ending_;
    std::thread thread_;
};

}  // namespace gatelab::sim::peers
