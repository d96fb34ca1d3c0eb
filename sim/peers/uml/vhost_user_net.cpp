#include "sim/peers/uml/vhost_user_net.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace gatelab::sim::peers::uml {
namespace {

enum Request : std::uint32_t {
    kGetFeatures = 1,
    kSetFeatures = 2,
    kSetOwner = 3,
    kSetMemTable = 5,
    kSetVringNum = 8,
    kSetVringAddr = 9,
    kSetVringBase = 10,
    kGetProtocolFeatures = 15,
    kSetProtocolFeatures = 16,
    kSetVringEnable = 18,
    kSetBackendReqFd = 21,
    kGetConfig = 24,
    kSetConfig = 25,
    kVringKick = 35,
};
constexpr std::uint32_t kBackendVringCall = 4;
constexpr std::uint32_t kVersion = 1, kReply = 4, kNeedReply = 8;  // flags of a message

constexpr std::uint64_t kMac = 1ull << 5, kVersion1 = 1ull << 32, kHasProtocolFeatures = 1ull << 30;
constexpr std::uint64_t kFeatures = kMac | kVersion1 | kHasProtocolFeatures;
// REPLY_ACK, BACKEND_REQ, CONFIG, INBAND_NOTIFICATIONS
constexpr std::uint64_t kProtocolFeatures = 1ull << 3 | 1ull << 5 | 1ull << 9 | 1ull << 14;

constexpr std::uint32_t kReceive = 0, kTransmit = 1;
constexpr std::size_t kFrameHeader = 12;  // struct virtio_net_hdr with num_buffers
constexpr std::size_t kEthernetHeader = 14;
constexpr std::size_t kMostDescriptors = 8;

template <class T>
T read(ByteView from, std::size_t at) {
    T value{};
    if (at + sizeof value <= from.size()) std::memcpy(&value, from.data() + at, sizeof value);
    return value;
}

Error blame(const std::string& what) { return {Fault::Malformed, "broke the protocol of its network card: " + what}; }

tl::unexpected<Error> violation(const std::string& what) { return tl::unexpected<Error>(blame(what)); }

bool send_whole(int socket, const void* data, std::size_t size) {
    return ::send(socket, data, size, MSG_NOSIGNAL | MSG_DONTWAIT) == static_cast<ssize_t>(size);
}

}  // namespace

VhostUserNet::VhostUserNet(CardOwner& owner, MacAddress mac, FileDescriptor listener)
    : owner_(owner), mac_(mac), listener_(std::move(listener)) {}

Result<void> VhostUserNet::serve() {
    if (!socket_) {
        socket_.reset(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!socket_) return fail(Fault::Io, fmt::format("its card's connection failed: {}", std::strerror(errno)));
        listener_.reset();
        return {};
    }
    iovec room{buffer_.data() + filled_, buffer_.size() - filled_};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(kMostDescriptors * sizeof(int))> control;
    msghdr message{};
    message.msg_iov = &room;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const auto got = ::recvmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return {};
    if (got <= 0) return fail(Fault::Io, "closed the connection of its network card");
    for (auto* part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
        for (std::size_t at = 0; CMSG_LEN(at + sizeof(int)) <= part->cmsg_len; at += sizeof(int)) {
            int number;
            std::memcpy(&number, CMSG_DATA(part) + at, sizeof number);
            descriptors_.emplace_back(number);
        }
    }
    if (descriptors_.size() > kMostDescriptors) return violation("too many descriptors");
    filled_ += static_cast<std::size_t>(got);
    std::size_t start = 0;
    while (filled_ - start >= sizeof(Header)) {
        const auto header = read<Header>(buffer_, start);
        if (header.size > kRoom - sizeof header) return violation(fmt::format("a message of {} octets", header.size));
        const auto whole = sizeof header + header.size;
        if (filled_ - start < whole) break;
        if (auto done = handle(header, ByteView{buffer_}.subspan(start + sizeof header, header.size)); !done)
            return done;
        descriptors_.clear();
        start += whole;
    }
    std::memmove(buffer_.data(), buffer_.data() + start, filled_ - start);
    filled_ -= start;
    return {};
}

Result<void> VhostUserNet::handle(const Header& header, ByteView payload) {
    const auto value = read<std::uint64_t>(payload, 0);
    const auto index = read<std::uint32_t>(payload, 0), number = read<std::uint32_t>(payload, 4);
    const auto with_queue = [&](auto act) -> Result<void> {
        auto found = queue(index);
        if (!found) return pass(found);
        return act(**found);
    };
    Result<void> done;
    switch (header.request) {
        case kGetFeatures: return reply(header.request, kFeatures);
        case kGetProtocolFeatures: return reply(header.request, kProtocolFeatures);
        case kGetConfig: return send_config(header, payload);
        case kSetOwner:
        case kSetConfig: break;
        case kSetFeatures:
            if (value & ~kFeatures) return violation(fmt::format("features that were not offered: {:#x}", value));
            break;
        case kSetProtocolFeatures:
            if (value != kProtocolFeatures) return violation("it does without a part of vhost-user that we need");
            break;
        case kSetMemTable: done = set_memory(payload); break;
        case kSetVringNum: done = with_queue([&](Virtqueue& queue) { return queue.set_size(number); }); break;
        case kSetVringBase:
            done = with_queue([&](Virtqueue& queue) -> Result<void> {
                queue.set_next(static_cast<std::uint16_t>(number));
                return {};
            });
            break;
        case kSetVringAddr: done = set_addresses(payload); break;
        case kSetVringEnable:
            done = with_queue([&](Virtqueue& queue) -> Result<void> {
                queue.enable(number != 0);
                return {};
            });
            break;
        case kSetBackendReqFd:
            calls_ = take_descriptor();
            if (!calls_) return violation("no descriptor for interrupts");
            break;
        case kVringKick:
            done = with_queue([&](Virtqueue&) { return index == kTransmit ? empty_transmit_queue() : Result<void>{}; });
            break;
        default: return violation(fmt::format("unknown request {}", header.request));
    }
    if (!done) return violation(done.error().detail);
    return header.flags & kNeedReply ? reply(header.request, 0) : Result<void>{};
}

FileDescriptor VhostUserNet::take_descriptor() {
    if (descriptors_.empty()) return {};
    auto taken = std::move(descriptors_.front());
    descriptors_.erase(descriptors_.begin());
    return taken;
}

Result<Virtqueue*> VhostUserNet::queue(std::uint32_t index) {
    if (index >= queues_.size()) return fail(Fault::Malformed, fmt::format("queue {}", index));
    return &queues_[index];
}

Result<void> VhostUserNet::set_memory(ByteView payload) {
    const auto count = read<std::uint32_t>(payload, 0);
    if (count == 0 || count > kMostDescriptors || payload.size() < 8 + count * sizeof(GuestMemory::Region))
        return fail(Fault::Malformed, "a table of memory that is not whole");
    for (auto& each : queues_) each.reset();
    memory_.clear();
    for (std::size_t i = 0; i < count; ++i) {
        // { le64 guest address, size, user address, offset in the file }
        const auto region = read<GuestMemory::Region>(payload, 8 + i * sizeof(GuestMemory::Region));
        if (auto added = memory_.add(region, take_descriptor()); !added) return added;
    }
    return {};
}

// { le32 index, flags; le64 descriptors, used, available, log }
Result<void> VhostUserNet::set_addresses(ByteView payload) {
    if (payload.size() < 40) return fail(Fault::Malformed, "addresses of a queue that are not whole");
    const auto found = queue(read<std::uint32_t>(payload, 0));
    if (!found) return pass(found);
    return (*found)->set_addresses(memory_, read<std::uint64_t>(payload, 8), read<std::uint64_t>(payload, 16),
                                   read<std::uint64_t>(payload, 24));
}

// struct virtio_net_config begins with the MAC address; nothing else of it was offered.
Result<void> VhostUserNet::send_config(const Header& header, ByteView payload) {
    constexpr std::size_t kPreamble = 12;
    const auto offset = read<std::uint32_t>(payload, 0), size = read<std::uint32_t>(payload, 4);
    if (payload.size() < kPreamble || offset != 0 || size != payload.size() - kPreamble)
        return violation("a question for the configuration that is not whole");
    std::array<std::uint8_t, kRoom> answer{};
    std::copy_n(payload.begin(), kPreamble, answer.begin());
    std::copy_n(mac_.begin(), std::min<std::size_t>(mac_.size(), size), answer.begin() + kPreamble);
    return reply(header.request, ByteView{answer}.first(payload.size()));
}

Result<void> VhostUserNet::reply(std::uint32_t request, ByteView payload) {
    std::array<std::uint8_t, kRoom> message;
    const Header header{request, kVersion | kReply, static_cast<std::uint32_t>(payload.size())};
    std::memcpy(message.data(), &header, sizeof header);
    std::memcpy(message.data() + sizeof header, payload.data(), payload.size());
    if (send_whole(socket_.get(), message.data(), sizeof header + payload.size())) return {};
    return fail(Fault::Io, "closed the connection of its network card");
}

Result<void> VhostUserNet::reply(std::uint32_t request, std::uint64_t value) {
    return reply(request, ByteView{reinterpret_cast<const std::uint8_t*>(&value), sizeof value});
}

Result<void> VhostUserNet::empty_transmit_queue() {
    auto& queue = queues_[kTransmit];
    if (!queue.ready()) return {};
    std::array<std::uint8_t, kFrameHeader + kLargestFrame> buffer;
    bool any = false;
    for (;;) {
        const auto head = queue.take();
        if (!head) return pass(head);
        if (!head->there) break;
        const auto length = queue.read(memory_, head->index, buffer);
        if (!length) return pass(length);
        queue.put_back(head->index, 0);
        any = true;
        if (*length > buffer.size() || *length < kFrameHeader + kEthernetHeader) {
            ++dropped_;
            continue;
        }
        ++frames_out_;
        if (receiver_) receiver_(ByteView{buffer}.subspan(kFrameHeader, *length - kFrameHeader));
    }
    // Not while the guest runs: it would get the interrupt at some moment of the wall clock.
    if (any && queue.wants_interrupt()) transmitted_ = owner_.call_soon([this] { interrupt(kTransmit); });
    return {};
}

bool VhostUserNet::send(ByteView frame) {
    if (frame.size() < kEthernetHeader || frame.size() > kLargestFrame) return false;
    if (!queues_[kReceive].ready() || owner_.state() == Calendar::State::Ended) return false;
    if (owner_.state() == Calendar::State::Waiting && deferred_.empty()) return deliver(frame);
    deferred_.push_back(copy_of(frame));
    deferral_ = owner_.call_soon([this] { send_deferred(); });
    return true;
}

void VhostUserNet::send_deferred() {
    const auto frames = std::exchange(deferred_, {});
    for (const auto& frame : frames) deliver(frame);
}

bool VhostUserNet::deliver(ByteView frame) {
    auto& queue = queues_[kReceive];
    if (!queue.ready()) return false;
    const auto fault = [this](const Error& error) {
        owner_.card_failed(blame(error.detail));
        return false;
    };
    const auto head = queue.take();
    if (!head) return fault(head.error());
    if (!head->there) return false;
    std::array<std::uint8_t, kFrameHeader> header{};
    header[10] = 1;  // num_buffers
    const auto written = queue.write(memory_, head->index, header, frame);
    if (!written) return fault(written.error());
    if (*written < kFrameHeader + frame.size()) return fault({Fault::Malformed, "a buffer too small for a frame"});
    queue.put_back(head->index, static_cast<std::uint32_t>(*written));
    ++frames_in_;
    return !queue.wants_interrupt() || interrupt(kReceive);
}

bool VhostUserNet::interrupt(std::uint32_t queue) {
    if (owner_.state() != Calendar::State::Waiting) return false;
    // An interrupt that it has not run for yet covers what came since.
    if (called_in_run_[queue] == owner_.runs()) return true;
    called_in_run_[queue] = owner_.runs();
    if (auto called = call(queue); !called) {
        owner_.card_failed(std::move(called.error()));
        return false;
    }
    return true;
}

Result<void> VhostUserNet::call(std::uint32_t queue) {
    struct {
        Header header;
        std::uint32_t index, number;
    } const question{{kBackendVringCall, kVersion | kNeedReply, 8}, queue, 0};
    if (!send_whole(calls_.get(), &question, sizeof question))
        return fail(Fault::Io, "closed the connection of its network card");
    if (auto attended = owner_.attend(calls_.get()); !attended) return attended;
    std::array<std::uint8_t, sizeof(Header) + 8> answer;
    const auto got = ::recv(calls_.get(), answer.data(), answer.size(), MSG_DONTWAIT);
    if (got == 0) return fail(Fault::Io, "closed the connection of its network card");
    if (got != static_cast<ssize_t>(answer.size()) || read<std::uint32_t>(answer, 0) != kBackendVringCall ||
        read<std::uint64_t>(answer, sizeof(Header)) != 0)
        return violation("an interrupt that it does not accept");
    return {};
}

void VhostUserNet::end() {
    transmitted_.reset();
    deferral_.reset();
    deferred_.clear();
    listener_.reset();
    socket_.reset();
    calls_.reset();
    for (auto& queue : queues_) queue.reset();
    memory_.clear();
}

}  // namespace gatelab::sim::peers::uml
