// An Ethernet card of a guest: the device side of virtio-net (virtio 1.2, section 5.1) over vhost-user, the protocol
// of QEMU's docs/interop/vhost-user.rst, with in-band notifications: each notification is a message that is answered,
// so none is ever late. No offloads: what the guest sends and gets are whole frames.
//
//   frames out:  guest --UPDATE(now)--> calendar, guest --VRING_KICK(1)--> card; it stands still until it is answered
//   frames in:   card puts the frame in a buffer, --VRING_CALL(0)--> guest; the guest asks for a time to run at: now
#pragma once

#include <array>
#include <functional>
#include <vector>

#include "sim/peers/uml/calendar.h"
#include "sim/peers/uml/virtqueue.h"

namespace gatelab::sim::peers::uml {

// What a card needs from the guest that it is in.
class CardOwner {
public:
    virtual ~CardOwner() = default;
    virtual Calendar::State state() const = 0;
    virtual std::uint64_t runs() const = 0;              // how often the guest was let run
    virtual Result<void> attend(int descriptor) = 0;     // see Calendar
    virtual Timer call_soon(std::function<void()>) = 0;  // in an event of its own, now
    virtual void card_failed(Error) = 0;
};

class VhostUserNet final : public Line, public Card {
public:
    static constexpr std::size_t kLargestFrame = 1514;

    VhostUserNet(CardOwner&, MacAddress, FileDescriptor listener);

    // Line
    int descriptor() const override { return socket_ ? socket_.get() : listener_.get(); }
    Result<void> serve() override;
    // Card
    void on_frame(Receiver receiver) override { receiver_ = std::move(receiver); }
    bool send(ByteView frame) override;

    void end();  // the guest is no more
    std::uint64_t frames_in() const { return frames_in_; }
    std::uint64_t frames_out() const { return frames_out_; }
    std::uint64_t dropped() const { return dropped_; }  // frames of the guest's that no Ethernet carries

private:
    struct Header {
        std::uint32_t request, flags, size;
    };
    static constexpr std::size_t kRoom = 512;

    Result<void> handle(const Header&, ByteView payload);
    Result<void> set_memory(ByteView payload);
    Result<void> set_addresses(ByteView payload);
    Result<Virtqueue*> queue(std::uint32_t index);
    Result<void> send_config(const Header&, ByteView payload);
    Result<void> reply(std::uint32_t request, ByteView payload);
    Result<void> reply(std::uint32_t request, std::uint64_t value);
    Result<void> empty_transmit_queue();
    bool deliver(ByteView frame);
    bool interrupt(std::uint32_t queue);
    Result<void> call(std::uint32_t queue);
    void send_deferred();
    FileDescriptor take_descriptor();

    CardOwner& owner_;
    MacAddress mac_;
    FileDescriptor listener_, socket_, calls_;
    std::array<std::uint8_t, kRoom> buffer_{};  // of messages; holds the start of one that is not whole yet
    std::size_t filled_ = 0;
    std::vector<FileDescriptor> descriptors_;  // that came with the message
    GuestMemory memory_;
    std::array<Virtqueue, 2> queues_;  // what the guest receives, what it transmits
    std::array<std::uint64_t, 2> called_in_run_{~0ull, ~0ull};
    Receiver receiver_;
    Timer transmitted_, deferral_;
    std::vector<Bytes> deferred_;
    std::uint64_t frames_in_ = 0, frames_out_ = 0, dropped_ = 0;
};

}  // namespace gatelab::sim::peers::uml
