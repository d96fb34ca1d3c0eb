// How sstp-client and what speaks PPP behind it are started: pure translation of a topology's words.
//
// In a guest sstpc starts the real pppd with sstp-client's plugin, which tells it the keys of MS-CHAPv2. Where the
// kernel has no PPP, in a namespace, a line (ppp_line/) of ours stands in pppd's place and starts sstpc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "impl/base/address.h"
#include "sim/peers/files.h"

namespace gatelab::sim::peers {

inline constexpr const char* kSstpProgram = "/usr/sbin/sstpc";
inline constexpr const char* kPppdProgram = "/usr/sbin/pppd";
inline constexpr const char* kPppCard = "ppp0";
// What the cards had counted before the first packet could go through the tunnel: the kernel counts PPP's own, too.
inline constexpr const char* kCardsBefore = "cards-before";

struct SstpClientSettings {
    Endpoint server;
    std::string server_name;  // of the Host field, of the TLS extension and of what a proxy is asked for
    std::string roots;        // PEM
    std::string user, password;
    struct Proxy {
        Endpoint address;
        std::string user, password;  // "" for none
    };
    std::optional<Proxy> proxy;
    std::vector<Prefix> routes;  // through the tunnel
    std::uint16_t mru = 1400;
    std::uint64_t seed = 1;  // of a line
};

// As the programs see them.
struct SstpPlaces {
    std::string folder;                    // of the files below, with a slash at the end
    std::string line;                      // the line program; "" where pppd runs
    std::vector<std::string> environment;  // of sstpc, "NAME=value": of use to a line, which hands it on
};

// The files that the programs are started with, "prepare" among them: a script that must have run before.
std::vector<ConfigFile> sstp_client_files(const SstpClientSettings&, const SstpPlaces&);
// The command that dials. It ends when the call does.
std::vector<std::string> sstp_dial_arguments(const SstpClientSettings&, const SstpPlaces&);
// What sstpc's environment has to say beside the usual: the proxy, whose password is nobody's to read among arguments.
std::vector<std::string> sstp_environment(const SstpClientSettings&);
// Ends the call in order: PPP says goodbye first.
std::vector<std::string> sstp_hang_up_arguments();

// A word of pppd's files: in quotes.
std::string pppd_word(std::string_view);

}  // namespace gatelab::sim::peers
