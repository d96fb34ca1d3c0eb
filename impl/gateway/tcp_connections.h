// TCP connections that anyone may open: bounded in number, and in time until something has come of them.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "impl/host/host.h"

namespace gatelab::gateway {

struct TcpBounds {
    std::size_t connections = 20'000;  // at once; further ones are turned away
    // Of those, strangers, and connections that we have closed and whose peer has not; the oldest makes room.
    std::size_t untrusted = 1000;
    Duration patience = std::chrono::seconds(60);  // with a connection that has not been settled
    Duration linger = std::chrono::seconds(10);    // for the peer to close its side, too
};

// `Stream` is a tunnel::ByteStream or a tunnel::PacketStream, `Id` a Strong number.
template <class Stream, class Id>
class TcpConnections {
public:
    class Owner {
    public:
        virtual ~Owner() = default;
        virtual void handle_accepted(Id) {}
        virtual void handle_received(Id, ByteView) = 0;
        virtual void handle_disconnect(Id, const std::string& why) = 0;  // the last of it
    };

    // Host and owner outlive this.
    TcpConnections(Host& host, std::unique_ptr<TcpListener> listener, const TcpBounds& bounds,
                   const typename Stream::Limits& limits, Owner& owner)
        : host_(host), bounds_(bounds), limits_(limits), owner_(owner), listener_(std::move(listener)) {
        listener_->on_accept([this](std::unique_ptr<TcpStream> stream) { accept(std::move(stream)); });
    }

    Stream* find(Id id) {  // nullptr when it is gone
        const auto at = connections_.find(id);
        return at == connections_.end() ? nullptr : at->second.stream.get();
    }
    Endpoint endpoint_of(Id id) const {  // unspecified when it is gone
        const auto at = connections_.find(id);
        return at == connections_.end() ? Endpoint{} : at->second.remote;
    }
    void trust(Id id) { strangers_.erase(id); }         // its peer has proved who it is: it makes no room any more
    void settle(Id id) { unsettled_.erase(id); }        // something has come of it: it may stay
    void close(Id);                                     // after what was sent has gone out
    void drop(Id, const std::string& why);              // at once; handle_disconnect() comes first
    std::uint64_t refused() const { return refused_; }  // above a bound, or unsettled for too long

private:
    struct Connection {
        std::unique_ptr<Stream> stream;
        Endpoint remote;
        Instant since;
        Timer linger;  // once it is being closed
    };

    void accept(std::unique_ptr<TcpStream>);
    void handle_closed(Id, const std::string& why);
    void drop_the_overdue();
    void watch_the_unsettled();

    Host& host_;
    const TcpBounds bounds_;
    const typename Stream::Limits limits_;
    Owner& owner_;
    std::uint64_t last_ = 0, refused_ = 0;
    std::map<Id, Connection> connections_;
    std::set<Id> strangers_, unsettled_;  // ids ascend with time: the oldest first
    std::set<Id> gone_;                   // to be destroyed outside of their own callbacks
    Timer patience_, burial_;
    std::unique_ptr<TcpListener> listener_;
};

template <class Stream, class Id>
void TcpConnections<Stream, Id>::accept(std::unique_ptr<TcpStream> stream) {
    if (connections_.size() - gone_.size() >= bounds_.connections) {
        ++refused_;
        return;  // destroyed, and thereby reset
    }
    if (strangers_.size() >= bounds_.untrusted) {
        ++refused_;
        drop(*strangers_.begin(), "makes room");
    }
    const Id id{++last_};
    auto& connection = connections_[id];
    connection.remote = stream->remote();
    connection.since = host_.now();
    connection.stream = std::make_unique<Stream>(
        std::move(stream), limits_,
        typename Stream::Callbacks{.connected = {},
                                   .received = [this, id](ByteView bytes) { owner_.handle_received(id, bytes); },
                                   .closed = [this, id](const std::string& why) { handle_closed(id, why); }});
    strangers_.insert(id);
    unsettled_.insert(id);
    watch_the_unsettled();
    owner_.handle_accepted(id);
}

template <class Stream, class Id>
void TcpConnections<Stream, Id>::close(Id id) {
    unsettled_.erase(id);
    const auto at = connections_.find(id);
    if (at == connections_.end() || at->second.linger || gone_.contains(id)) return;
    strangers_.insert(id);
    at->second.stream->close();
    at->second.linger = host_.call_at(host_.now() + bounds_.linger, [this, id] { handle_closed(id, {}); });
}

template <class Stream, class Id>
void TcpConnections<Stream, Id>::drop(Id id, const std::string& why) {
    if (auto* stream = find(id)) stream->close();
    handle_closed(id, why);
}

template <class Stream, class Id>
void TcpConnections<Stream, Id>::handle_closed(Id id, const std::string& why) {
    strangers_.erase(id);
    unsettled_.erase(id);
    if (!connections_.contains(id) || !gone_.insert(id).second) return;
    burial_ = host_.call_at(host_.now(), [this] {
        for (const auto dead : std::exchange(gone_, {})) connections_.erase(dead);
    });
    owner_.handle_disconnect(id, why);
}

template <class Stream, class Id>
void TcpConnections<Stream, Id>::watch_the_unsettled() {
    if (patience_ || unsettled_.empty()) return;
    const auto& oldest = connections_.at(*unsettled_.begin());
    patience_ = host_.call_at(oldest.since + bounds_.patience, [this] { drop_the_overdue(); });
}

template <class Stream, class Id>
void TcpConnections<Stream, Id>::drop_the_overdue() {
    while (!unsettled_.empty()) {
        const auto oldest = *unsettled_.begin();
        if (connections_.at(oldest).since + bounds_.patience > host_.now()) break;
        ++refused_;
        drop(oldest, "nothing came of it in time");
    }
    patience_.reset();
    watch_the_unsettled();
}

}  // namespace gatelab::gateway
