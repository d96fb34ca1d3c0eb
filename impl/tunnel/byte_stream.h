// A TCP connection with bounded room for what it does not take at once.
//
// What is sent goes out whole and in order, or not at all: TLS records and OpenVPN's packets over TCP can have no gap.
// An owner asks has_room() before it seals an inner packet, and drops the packet when there is none, as a network
// interface does whose queue is full. The rest (handshakes, keepalives) has as much room again.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "impl/host/host.h"

namespace gatelab::tunnel {

class ByteStream {
public:
    struct Limits {
        std::size_t queue =
            128 * 1024;  // octets that wait, from which there is no room; nothing is taken above twice that
    };
    struct Callbacks {
        std::function<void()> connected;  // only for streams that we opened
        std::function<void(ByteView bytes)> received;
        std::function<void(std::string why)> closed;  // "" after an orderly close; the last callback
    };

    // Callbacks may call the stream; they must not destroy it.
    ByteStream(std::unique_ptr<TcpStream>, const Limits&, Callbacks);
    ByteStream(const ByteStream&) = delete;
    ByteStream& operator=(const ByteStream&) = delete;

    // Called when at most half of the queue waits, after there was no room.
    void on_room(std::function<void()> room) { room_ = std::move(room); }
    // Whether to go on reading: while not, what the peer sends stays with it (see TcpStream).
    void set_reading(bool reading) { stream_->set_reading(reading); }

    bool has_room() const { return !closing_ && !ended_ && waiting() < limits_.queue; }
    // False, and nothing sent, when the stream is closed or more than twice the queue waits already: then the peer
    // reads nothing, and who cannot leave the bytes out gives the connection up. Takes nothing from the heap once the
    // queue has grown to what it carries.
    bool send(ByteView bytes);
    void close();                // after what waits has gone out; nothing is received any more, closed() still comes
    void fail(std::string why);  // what arrived makes no sense: calls closed(why) and closes, whatever waits

    Endpoint remote() const { return stream_->remote(); }
    Endpoint local() const { return stream_->local(); }
    std::size_t waiting() const { return waiting_.size() - sent_; }  // octets
    bool is_open() const { return !closing_ && !ended_; }            // it receives, and can send

private:
    void handle_writable();
    void end(std::string why);

    std::unique_ptr<TcpStream> stream_;
    const Limits limits_;
    Callbacks callbacks_;
    std::function<void()> room_;
    Bytes waiting_;  // the first `sent_` octets have gone out
    std::size_t sent_ = 0;
    bool was_full_ = false;
    bool closing_ = false, ended_ = false;
};

}  // namespace gatelab::tunnel
