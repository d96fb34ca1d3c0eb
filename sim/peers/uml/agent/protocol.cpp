#include "sim/peers/uml/agent/protocol.h"

#include <tuple>
#include <type_traits>

namespace gatelab::sim::peers::uml::agent {
namespace {

// The fields of each message, in wire order.
template <class M>
constexpr auto kFields = std::tuple{};
template <>
constexpr auto kFields<Configure> =
    std::tuple{&Configure::name, &Configure::addresses, &Configure::borrowed, &Configure::mtu, &Configure::forwards};
template <>
constexpr auto kFields<RunProgram> =
    std::tuple{&RunProgram::channel, &RunProgram::arguments, &RunProgram::environment, &RunProgram::output};
template <>
constexpr auto kFields<SignalProgram> = std::tuple{&SignalProgram::channel, &SignalProgram::number};
template <>
constexpr auto kFields<ConnectUnix> = std::tuple{&ConnectUnix::channel, &ConnectUnix::path};
template <>
constexpr auto kFields<ConnectTcp> = std::tuple{&ConnectTcp::channel, &ConnectTcp::remote};
template <>
constexpr auto kFields<ListenTcp> = std::tuple{&ListenTcp::channel, &ListenTcp::local};
template <>
constexpr auto kFields<OpenUdp> = std::tuple{&OpenUdp::channel, &OpenUdp::local};
template <>
constexpr auto kFields<OpenRaw> = std::tuple{&OpenRaw::channel, &OpenRaw::protocol};
template <>
constexpr auto kFields<Finish> = std::tuple{&Finish::channel};
template <>
constexpr auto kFields<Close> = std::tuple{&Close::channel};
template <>
constexpr auto kFields<AskSource> = std::tuple{&AskSource::channel, &AskSource::destination};
template <>
constexpr auto kFields<Hello> = std::tuple{&Hello::version, &Hello::kernel};
template <>
constexpr auto kFields<Configured> = std::tuple{&Configured::problem};
template <>
constexpr auto kFields<ProgramEnded> = std::tuple{&ProgramEnded::channel, &ProgramEnded::status};
template <>
constexpr auto kFields<ProgramFailed> = std::tuple{&ProgramFailed::channel, &ProgramFailed::number};
template <>
constexpr auto kFields<Connected> = std::tuple{&Connected::channel, &Connected::local, &Connected::remote};
template <>
constexpr auto kFields<Accepted> =
    std::tuple{&Accepted::channel, &Accepted::stream, &Accepted::local, &Accepted::remote};
template <>
constexpr auto kFields<Credit> = std::tuple{&Credit::channel, &Credit::octets, &Credit::retransmissions};
template <>
constexpr auto kFields<Closed> = std::tuple{&Closed::channel, &Closed::reason, &Closed::retransmissions};
template <>
constexpr auto kFields<Source> = std::tuple{&Source::channel, &Source::address};
template <>
constexpr auto kFields<Data> = std::tuple{&Data::channel, &Data::bytes};
template <>
constexpr auto kFields<Datagram> = std::tuple{&Datagram::channel, &Datagram::remote, &Datagram::bytes};

template <class M, class Fields>
void visit_fields(M& message, Fields& fields) {
    std::apply([&](auto... field) { (fields(message.*field), ...); }, kFields<std::remove_const_t<M>>);
}

struct Encoder {
    ByteWriter out;
    void operator()(std::uint8_t value) { out.u8(value); }
    void operator()(std::uint16_t value) { out.u16(value); }
    void operator()(std::uint32_t value) { out.u32(value); }
    void operator()(Ipv4Address address) { out.u32(address.number()); }
    void operator()(Endpoint endpoint) { out.u32(endpoint.address.number()).u16(endpoint.port); }
    void operator()(ByteView bytes) { out.u32(static_cast<std::uint32_t>(bytes.size())).bytes(bytes); }
    void operator()(const std::string& text) { (*this)(as_bytes(text)); }
    void operator()(const std::vector<std::string>& texts) {
        out.u32(static_cast<std::uint32_t>(texts.size()));
        for (const auto& text : texts) (*this)(text);
    }
};

struct Decoder {
    ByteReader in;
    void operator()(std::uint8_t& value) { value = in.u8(); }
    void operator()(std::uint16_t& value) { value = in.u16(); }
    void operator()(std::uint32_t& value) { value = in.u32(); }
    void operator()(Ipv4Address& address) { address = Ipv4Address{in.u32()}; }
    void operator()(Endpoint& endpoint) {
        endpoint.address = Ipv4Address{in.u32()};
        endpoint.port = in.u16();
    }
    void operator()(ByteView& bytes) { bytes = in.bytes(in.u32()); }
    void operator()(std::string& text) { text = as_text(in.bytes(in.u32())); }
    void operator()(std::vector<std::string>& texts) {
        for (auto left = in.u32(); left > 0 && in.ok(); --left) (*this)(texts.emplace_back());
    }
};

template <std::size_t I = 0>
bool decode_alternative(std::size_t index, Decoder& decoder, Message& message) {
    if constexpr (I == std::variant_size_v<Message>) {
        return false;
    } else {
        if (index != I) return decode_alternative<I + 1>(index, decoder, message);
        visit_fields(message.emplace<I>(), decoder);
        return true;
    }
}

}  // namespace

Bytes encode(const Message& message) {
    Encoder encoder;
    encoder.out.u8(static_cast<std::uint8_t>(message.index()));
    std::visit([&](const auto& one) { visit_fields(one, encoder); }, message);
    return encoder.out.take();
}

Result<Message> parse(ByteView bytes) {
    Decoder decoder{ByteReader{bytes}};
    const auto kind = decoder.in.u8();
    Message message;
    if (!decoder.in.ok()) return fail(Fault::Truncated, "an empty control message");
    if (!decode_alternative(kind, decoder, message))
        return fail(Fault::Malformed, "unknown control message " + std::to_string(kind));
    if (!decoder.in.ok()) return fail(Fault::Truncated, "control message " + std::to_string(kind) + " ends too early");
    if (!decoder.in.finished())
        return fail(Fault::Malformed, "control message " + std::to_string(kind) + " is too long");
    return message;
}

}  // namespace gatelab::sim::peers::uml::agent
