// A connection to the VICI socket of a running charon.
#pragma once

#include <deque>
#include <filesystem>
#include <string>
#include <vector>

#include "impl/base/time.h"
#include "sim/peers/file_descriptor.h"
#include "sim/peers/vici_message.h"

namespace gatelab::sim::peers {

class ViciConnection {
public:
    static Result<ViciConnection> open(const std::filesystem::path& socket);

    int descriptor() const { return socket_.get(); }  // readable: events() may have news

    Result<void> subscribe(const std::string& event);
    // Sends a command and waits for its answer, at most `limit` of real time. Io when charon is gone or silent.
    Result<ViciSection> request(const std::string& command, const ViciSection& arguments, Duration limit);
    // As request(), for commands that stream their answer as events of that name.
    Result<std::vector<ViciSection>> stream(const std::string& command, const std::string& event, Duration limit);

    struct News {
        std::string event;
        ViciSection message;
    };
    // The events that have arrived; those of a stream() under way are not among them.
    Result<std::vector<News>> events();

private:
    explicit ViciConnection(FileDescriptor socket) : socket_(std::move(socket)) {}
    Result<void> send(const ViciPacket&);
    Result<ViciPacket> receive(Duration limit);

    FileDescriptor socket_;
    std::deque<News> waiting_;
};

}  // namespace gatelab::sim::peers
