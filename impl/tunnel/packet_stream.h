// OpenVPN's packets over a TCP connection: each behind its length of two octets.
//
// What TCP does not take at once waits here, in bounded memory. A data packet that has been sealed must go out, because
// over TCP each must have the next packet id: the owner asks has_room() before, and drops inner packets as a network
// interface does when its queue is full. Control packets, which OpenVPN repeats, are dropped here once too many wait.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "impl/host/host.h"
#include "impl/openvpn/packet.h"

namespace gatelab::tunnel {

class PacketStream {
public:
    struct Limits {
        std::size_t largest_packet = 4096;  // what the peer may send; a longer one breaks the stream
        std::size_t queue = 128 * 1024;     // octets, from which there is no room for data; for control, twice that
    };
    struct Callbacks {
        std::function<void()> connected;  // only for streams that we opened
        std::function<void(ByteView packet)> received;
        std::function<void(std::string why)> closed;  // "" after an orderly close; the last callback
    };

    // Callbacks may call the stream; they must not destroy it.
    PacketStream(std::unique_ptr<TcpStream>, const Limits&, Callbacks);
    PacketStream(const PacketStream&) = delete;
    PacketStream& operator=(const PacketStream&) = delete;

    bool has_room() const { return !closing_ && !ended_ && waiting() < limits_.queue; }
    // False when it was dropped. Takes nothing from the heap once its buffers have grown to what they carry.
    bool send(ByteView packet);
    void close();  // after what waits has gone out; nothing is received any more

    Endpoint remote() const { return stream_->remote(); }
    Endpoint local() const { return stream_->local(); }
    std::size_t waiting() const { return waiting_.size() - sent_; }  // octets

private:
    void handle_bytes(ByteView);
    void handle_writable();
    void end(std::string why);
    bool write(ByteView frame);

    std::unique_ptr<TcpStream> stream_;
    const Limits limits_;
    Callbacks callbacks_;
    openvpn::Deframer deframer_;
    Bytes frame_;
    Bytes waiting_;  // framed; the first `sent_` octets have gone out
    std::size_t sent_ = 0;
    bool closing_ = false, ended_ = false;
};

}  // namespace gatelab::tunnel
