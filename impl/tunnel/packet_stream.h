// OpenVPN's packets over a TCP connection: each behind its length of two octets.
//
// A data packet that has been sealed must go out, because over TCP each must have the next packet id: the owner asks
// has_room() before. Control packets, which OpenVPN repeats, are dropped here once too many wait.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "impl/openvpn/packet.h"
#include "impl/tunnel/byte_stream.h"

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

    // Bytes of the peer that came before the stream was ours; before anything that it receives itself.
    void feed(ByteView bytes) { handle_bytes(bytes); }

    bool has_room() const { return stream_.has_room(); }
    // False when it was dropped; with a data packet, that ends the stream. Takes nothing from the heap once its buffers
    // have grown to what they carry.
    bool send(ByteView packet);
    void close() { stream_.close(); }  // after what waits has gone out; nothing is received any more

    Endpoint remote() const { return stream_.remote(); }
    Endpoint local() const { return stream_.local(); }
    std::size_t waiting() const { return stream_.waiting(); }  // octets

private:
    void handle_bytes(ByteView);

    std::function<void(ByteView packet)> received_;
    openvpn::Deframer deframer_;
    Bytes frame_;
    ByteStream stream_;
};

}  // namespace gatelab::tunnel
