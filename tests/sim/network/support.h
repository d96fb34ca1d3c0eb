// A line of nodes to try things on: alice (10.0.0.1) - router - bob (10.0.0.2), 1 ms a link.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "sim/network/ipv4_packet.h"
#include "sim/network/network.h"

namespace gatelab::sim {

using std::chrono::milliseconds;
using std::chrono::seconds;

inline constexpr Ipv4Address kAlice{10, 0, 0, 1}, kBob{10, 0, 0, 2};
inline const Prefix kEverywhere;

inline topologies::Link link_called(const std::string& name, double loss = 0, std::uint16_t mtu = 1500) {
    topologies::Link link;
    link.name = name;
    link.loss = loss;
    link.mtu = mtu;
    return link;
}

// alice - alice-router - router - router-bob - bob.
struct Line {
    std::vector<Event> events;
    Network network;
    Host& alice;
    Host& bob;

    explicit Line(NetworkOptions options = {}, double loss = 0, std::uint16_t mtu = 1500)
        : network(with_events(std::move(options))),
          alice(network.add_host("alice", {kAlice})),
          bob(network.add_host("bob", {kBob})) {
        network.add_router("router");
        network.connect("alice", "router", link_called("alice-router"));
        network.connect("router", "bob", link_called("router-bob", loss, mtu));
        network.add_route("alice", kEverywhere, "router");
        network.add_route("bob", kEverywhere, "router");
        network.add_route("router", Prefix{kAlice, 32}, "alice");
        network.add_route("router", Prefix{kBob, 32}, "bob");
    }

    NetworkOptions with_events(NetworkOptions options) {
        options.events = [this](Event event) { events.push_back(std::move(event)); };
        return options;
    }
};

// A UDP socket that keeps what it gets.
struct Inbox {
    std::unique_ptr<UdpSocket> socket;
    std::vector<std::pair<Endpoint, std::string>> received;

    Inbox(Host& host, std::uint16_t port) : socket(host.open_udp({{}, port}).value()) {
        socket->on_datagram([this](Endpoint from, ByteView bytes) { received.emplace_back(from, as_text(bytes)); });
    }
    void send(Endpoint to, const std::string& text) { ASSERT_TRUE(socket->send(to, as_bytes(text)).has_value()); }
};

// A UDP packet with valid checksums.
inline Bytes udp_packet(Endpoint from, Endpoint to, std::string_view payload, std::uint8_t flags_and_offset = 0) {
    const auto size = static_cast<std::uint16_t>(payload.size());
    ByteWriter writer;
    writer.u8(0x45).u8(0).u16(static_cast<std::uint16_t>(28 + size)).u16(1).u8(flags_and_offset).u8(0);
    writer.u8(64).u8(17).u16(0).u32(from.address.number()).u32(to.address.number());
    writer.u16(from.port).u16(to.port).u16(static_cast<std::uint16_t>(8 + size)).u16(0).bytes(as_bytes(payload));
    Bytes packet = writer.take();
    refresh_checksums(packet);
    return packet;
}

// A TCP segment with valid checksums.
struct Segment {
    Endpoint from, to;
    std::uint32_t sequence = 0, acknowledgment = 0;
    std::uint8_t flags = 16;  // FIN 1, SYN 2, RST 4, ACK 16
    std::string_view payload = {};
};
inline Bytes tcp_packet(const Segment& segment) {
    ByteWriter writer;
    writer.u8(0x45).u8(0).u16(static_cast<std::uint16_t>(40 + segment.payload.size())).u16(1).u16(0);
    writer.u8(64).u8(6).u16(0).u32(segment.from.address.number()).u32(segment.to.address.number());
    writer.u16(segment.from.port).u16(segment.to.port).u32(segment.sequence).u32(segment.acknowledgment);
    writer.u8(0x50).u8(segment.flags).u16(0xffff).u16(0).u16(0).bytes(as_bytes(segment.payload));
    Bytes packet = writer.take();
    refresh_checksums(packet);
    return packet;
}

inline Bytes file_bytes(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

// What a shell command prints.
inline std::string output_of(const std::string& command) {
    std::string output;
    auto* pipe = popen(command.c_str(), "r");
    for (int c; (c = fgetc(pipe)) != EOF;) output += static_cast<char>(c);
    pclose(pipe);
    return output;
}

// A folder of its own for a test, gone afterwards.
struct Scratch {
    std::filesystem::path path;
    Scratch() {
        std::string name = (std::filesystem::temp_directory_path() / "gatelab-XXXXXX").string();
        path = mkdtemp(name.data());
    }
    ~Scratch() { std::filesystem::remove_all(path); }
};

}  // namespace gatelab::sim
