#include "sim/peers/warden_protocol.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace gatelab::sim::peers {
namespace {

Bytes encode(const WardenMessage& message) {
    ByteWriter writer;
    writer.u8(static_cast<std::uint8_t>(message.kind));
    for (const auto number : message.numbers) writer.u64(static_cast<std::uint64_t>(number));
    writer.u16(static_cast<std::uint16_t>(message.texts.size()));
    for (const auto& text : message.texts) writer.u32(static_cast<std::uint32_t>(text.size())).bytes(as_bytes(text));
    return writer.take();
}

WardenMessage decode(ByteView bytes) {
    ByteReader reader{bytes};
    WardenMessage message;
    message.kind = static_cast<WardenMessage::Kind>(reader.u8());
    for (auto& number : message.numbers) number = static_cast<std::int64_t>(reader.u64());
    message.texts.resize(reader.u16());
    for (auto& text : message.texts) text = as_text(reader.bytes(reader.u32()));
    return message;
}

}  // namespace

bool send_message(int socket, const WardenMessage& message) {
    auto bytes = encode(message);
    if (bytes.size() > kLargestMessage) return errno = EMSGSIZE, false;
    iovec part{bytes.data(), bytes.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    if (message.descriptor) {
        header.msg_control = control.data();
        header.msg_controllen = control.size();
        auto* rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof(int));
        const int number = message.descriptor.get();
        std::memcpy(CMSG_DATA(rights), &number, sizeof number);
    }
    for (;;) {
        if (::sendmsg(socket, &header, MSG_NOSIGNAL) >= 0) return true;
        if (errno != EINTR) return false;
    }
}

std::optional<WardenMessage> receive_message(int socket, bool wait) {
    Bytes bytes(kLargestMessage);
    iovec part{bytes.data(), bytes.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    ssize_t size = 0;
    do size = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
    while (size < 0 && errno == EINTR);
    if (size <= 0) return std::nullopt;
    auto message = decode(ByteView{bytes}.first(static_cast<std::size_t>(size)));
    if (auto* rights = CMSG_FIRSTHDR(&header); rights && rights->cmsg_type == SCM_RIGHTS) {
        int number = -1;
        std::memcpy(&number, CMSG_DATA(rights), sizeof number);
        message.descriptor.reset(number);
    }
    return message;
}

}  // namespace gatelab::sim::peers
