// A guest's driver of a network card, played by a test: its messages, and its queues in memory that it shares.
#pragma once

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <optional>
#include <vector>

#include "sim/peers/uml/vhost_user_net.h"

namespace gatelab::sim::peers::uml {

class FakeDriver {
public:
    static constexpr std::uint64_t kBase = 0x60000000;  // guest address of its memory
    static constexpr std::size_t kSize = 1 << 20;
    static constexpr std::uint16_t kEntries = 16;
    static constexpr std::uint64_t kBuffers = 0x10000;  // offset of the buffers, 4096 octets each

    struct Descriptor {
        std::uint64_t address;
        std::uint32_t length;
        std::uint16_t flags, next;
    };
    static constexpr std::uint16_t kNext = 1, kWrite = 2;

    // The card that it talks to is served here: each message is followed by serve().
    FakeDriver(VhostUserNet& card, FileDescriptor socket) : card_(card), socket_(std::move(socket)) {
        file_.reset(::memfd_create("guest", MFD_CLOEXEC));
        (void)!::ftruncate(file_.get(), kSize);
        memory_ =
            static_cast<std::uint8_t*>(::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), 0));
        int calls[2];
        (void)!::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, calls);
        calls_.reset(calls[0]);
        their_calls_.reset(calls[1]);
        connected_ = card_.serve();  // accepts
    }
    ~FakeDriver() { ::munmap(memory_, kSize); }
    FakeDriver(const FakeDriver&) = delete;
    FakeDriver& operator=(const FakeDriver&) = delete;

    // Sends a message and serves the card: what that said, and the answer's payload.
    struct Outcome {
        Result<void> served;
        Bytes answer;
    };
    Outcome say(std::uint32_t request, const Bytes& payload = {}, int descriptor = -1) {
        Bytes message(12);
        const std::uint32_t header[3] = {request, 1 | 8, static_cast<std::uint32_t>(payload.size())};
        std::memcpy(message.data(), header, 12);
        append(message, payload);
        send(message, descriptor);
        Outcome outcome{card_.serve(), Bytes(1024)};
        const auto got = ::recv(socket_.get(), outcome.answer.data(), outcome.answer.size(), MSG_DONTWAIT);
        outcome.answer.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
        return outcome;
    }
    void send(const Bytes& bytes, int descriptor = -1) {
        iovec part{const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        if (descriptor >= 0) {
            message.msg_control = control.data();
            message.msg_controllen = control.size();
            auto* rights = CMSG_FIRSTHDR(&message);
            rights->cmsg_level = SOL_SOCKET;
            rights->cmsg_type = SCM_RIGHTS;
            rights->cmsg_len = CMSG_LEN(sizeof(int));
            std::memcpy(CMSG_DATA(rights), &descriptor, sizeof descriptor);
        }
        (void)!::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
    }
    template <class... Numbers>
    static Bytes words(Numbers... numbers) {  // each in its own width
        Bytes bytes;
        const auto put = [&bytes](auto number) {
            Bytes raw(sizeof number);
            std::memcpy(raw.data(), &number, sizeof number);
            append(bytes, raw);
        };
        (put(numbers), ...);
        return bytes;
    }
    static Bytes u32s(std::uint32_t a, std::uint32_t b) { return words(a, b); }

    Bytes memory_table(std::uint64_t size = kSize) const {
        return words(std::uint32_t{1}, std::uint32_t{0}, kBase, size, kBase, std::uint64_t{0});
    }
    static std::uint64_t ring(std::uint32_t queue) { return kBase + 0x4000 * queue; }
    static Bytes addresses(std::uint32_t queue, std::uint64_t at) {
        return words(queue, std::uint32_t{0}, at, at + 0x1000, at + 0x2000, ~std::uint64_t{0});
    }
    // As virtio_uml does it.
    Result<void> set_up() {
        const std::vector<Outcome> steps = [this] {
            std::vector<Outcome> done;
            done.push_back(say(3));
            done.push_back(say(16, words(std::uint64_t{1 << 3 | 1 << 5 | 1 << 9 | 1 << 14})));
            done.push_back(say(21, {}, their_calls_.get()));
            done.push_back(say(2, words(std::uint64_t{1ull << 32 | 1 << 30 | 1 << 5})));
            done.push_back(say(5, memory_table(), file_.get()));
            for (const std::uint32_t queue : {0u, 1u}) {
                done.push_back(say(8, u32s(queue, kEntries)));
                done.push_back(say(10, u32s(queue, 0)));
                done.push_back(say(9, addresses(queue, ring(queue))));
                done.push_back(say(18, u32s(queue, 1)));
            }
            return done;
        }();
        for (const auto& step : steps)
            if (!step.served) return step.served;
        return {};
    }

    template <class T>
    T& at(std::uint64_t guest_address) {
        return *reinterpret_cast<T*>(memory_ + (guest_address - kBase));
    }
    Descriptor& descriptor(std::uint32_t queue, std::uint16_t index) {
        return at<Descriptor>(ring(queue) + 16u * index);
    }
    std::uint16_t& available_flags(std::uint32_t queue) { return at<std::uint16_t>(ring(queue) + 0x2000); }
    std::uint16_t& available_index(std::uint32_t queue) { return at<std::uint16_t>(ring(queue) + 0x2002); }
    std::uint16_t used_index(std::uint32_t queue) { return at<std::uint16_t>(ring(queue) + 0x1002); }
    std::uint32_t used_length(std::uint32_t queue, std::uint16_t index) {
        return at<std::uint32_t>(ring(queue) + 0x1008 + 8u * index);
    }
    static std::uint64_t buffer(std::uint16_t index) { return kBase + kBuffers + 4096u * index; }
    // Makes the chain that begins at a descriptor available.
    void offer(std::uint32_t queue, std::uint16_t head) {
        auto& index = available_index(queue);
        at<std::uint16_t>(ring(queue) + 0x2004 + 2u * (index % kEntries)) = head;
        ++index;
    }
    void offer_room(std::uint16_t index, std::uint32_t length = 1530) {
        descriptor(0, index) = {buffer(index), length, kWrite, 0};
        offer(0, index);
    }
    // Puts a frame, after its twelve octets of header, into a buffer of the transmit queue and kicks.
    Outcome transmit(const Bytes& frame, std::uint16_t index = 0) {
        std::memset(&at<std::uint8_t>(buffer(index)), 0, 12);
        std::memcpy(&at<std::uint8_t>(buffer(index)) + 12, frame.data(), frame.size());
        descriptor(1, index) = {buffer(index), static_cast<std::uint32_t>(12 + frame.size()), 0, 0};
        offer(1, index);
        return kick();
    }
    Outcome kick() { return say(35, u32s(1, 0)); }

    // Answers an interrupt, if there is one: of which queue.
    std::optional<std::uint32_t> answer_call(std::uint64_t verdict = 0) {
        std::array<std::uint32_t, 5> call;
        if (::recv(calls_.get(), call.data(), sizeof call, MSG_DONTWAIT) != sizeof call) return std::nullopt;
        const auto answer = words(std::uint32_t{4}, std::uint32_t{1 | 4}, std::uint32_t{8}, verdict);
        (void)!::send(calls_.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
        return call[3];
    }
    int file() const { return file_.get(); }
    const Result<void>& connected() const { return connected_; }

private:
    VhostUserNet& card_;
    FileDescriptor socket_, file_, calls_, their_calls_;
    std::uint8_t* memory_ = nullptr;
    Result<void> connected_;
};

}  // namespace gatelab::sim::peers::uml
