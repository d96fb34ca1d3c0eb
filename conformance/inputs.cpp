#include "conformance/inputs.h"

#include <algorithm>

#include "sim/peers/capabilities.h"
#include "sim/peers/uml/kernel.h"

namespace gatelab::conformance {

std::map<std::string, std::string> inputs_of(const std::vector<const Job*>& jobs) {
    std::map<std::string, std::string> inputs;
    const auto real = [](const Job* job) { return job->pair.has_real_program(); };
    if (std::none_of(jobs.begin(), jobs.end(), real)) return inputs;
    for (const auto& one : sim::peers::capabilities())
        if (one.what == "swanctl" && !one.version.empty())
            inputs["strongswan"] = one.version.substr(one.version.rfind(' ') + 1);  // "strongSwan swanctl 5.9.8"
    if (std::none_of(jobs.begin(), jobs.end(), [&](const Job* job) { return real(job) && !job->real_time(); }))
        return inputs;
    if (const auto kernel = sim::peers::uml::find_kernel()) {
        inputs["kernel"] = kernel->version;
        inputs["kernel_hash"] = kernel->hash;
    }
    return inputs;
}

}  // namespace gatelab::conformance
