#include "conformance/inputs.h"

#include <algorithm>
#include <utility>

#include "sim/peers/capabilities.h"
#include "sim/peers/libreswan_package.h"
#include "sim/peers/softether_package.h"
#include "sim/peers/uml/kernel.h"

namespace gatelab::conformance {
namespace {

// "5.9.8" of "strongSwan 5.9.8 swanctl".
std::string number_in(const std::string& text) {
    const auto start = text.find_first_of("0123456789");
    return start == text.npos ? "" : text.substr(start, text.find(' ', start) - start);
}

}  // namespace

std::map<std::string, std::string> inputs_of(const std::vector<const Job*>& jobs) {
    using topologies::Implementation;
    std::map<std::string, std::string> inputs;
    const auto real = [](const Job* job) { return job->pair.has_real_program(); };
    const auto plays = [&](Implementation implementation) {
        return std::any_of(jobs.begin(), jobs.end(), [&](const Job* job) {
            return job->pair.client->implementation == implementation ||
                   job->pair.gateway->implementation == implementation;
        });
    };
    if (plays(Implementation::StrongSwan)) {
        const auto swanctl = sim::peers::capability("swanctl");
        if (const auto version = swanctl ? number_in(swanctl->version) : ""; !version.empty())
            inputs["strongswan"] = version;
    }
    if (plays(Implementation::OpenVpn)) {
        const auto openvpn = sim::peers::capability("openvpn");
        if (const auto version = openvpn ? number_in(openvpn->version) : ""; !version.empty())
            inputs["openvpn"] = version;
    }
    if (plays(Implementation::SstpClient)) {
        for (const auto& [name, program] : {std::pair{"sstp-client", "sstpc"}, {"ppp", "pppd"}}) {
            const auto found = sim::peers::capability(program);
            if (const auto version = found ? number_in(found->version) : ""; !version.empty()) inputs[name] = version;
        }
    }
    if (plays(Implementation::SoftEther))
        if (const auto package = sim::peers::find_softether()) inputs["softether"] = package->version;
    if (plays(Implementation::Libreswan))
        if (const auto package = sim::peers::find_libreswan()) inputs["libreswan"] = package->version;
    if (std::none_of(jobs.begin(), jobs.end(), [&](const Job* job) { return real(job) && !job->real_time(); }))
        return inputs;
    if (const auto kernel = sim::peers::uml::find_kernel()) {
        inputs["kernel"] = kernel->version;
        inputs["kernel_hash"] = kernel->hash;
    }
    return inputs;
}

}  // namespace gatelab::conformance
