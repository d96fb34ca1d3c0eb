// OpenVPN's packets over a TCP connection: each behind its length of two octets.
//
// What TCP does not take at once waits here, in bounded memory: data packets are dropped once `data_queue` octets wait,
// as a network interface drops what its queue has no room for, control packets (which OpenVPN repeats) once twice as
// many do.
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
        std::size_t largest_packet = 4096;    // what the peer may send; a longer one breaks the stream
        std::size_t data_queue = 128 * 1024;  // octets
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

    // False when it was dropped. Takes nothing from the heap once its buffers have grown to what they carry.
    bool send(ByteView packet);
    void close();  // after what waits has gone out; nothing is received any more

    Endpoint remote() const { return stream_->remote(); }
    Endpoint local() const { return stream_->local(); }
    std::size_t waiting() const { return waiting_.size() - sent_; }  // octets
    std::uint64_t dropped() const { return dropped_; }

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
    std::uint64_t dropped_ = 0;
    bool closing_ = false, ended_ = false;
};

}  // namespace gatelab::tunnel
