// The first program of a guest. When it ends, so does the guest; what it prints goes to the guest's console.
#include <sys/reboot.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "sim/peers/uml/agent/boot.h"
#include "sim/peers/uml/agent/server.h"

namespace {

using namespace gatelab::sim::peers;

[[noreturn]] void power_off(const std::string& why) {
    std::fprintf(stderr, "gatelab's agent ends: %s\n", why.c_str());
    ::sync();
    ::reboot(RB_POWER_OFF);
    std::exit(1);
}

}  // namespace

int main() {
    using namespace gatelab::sim::peers::uml::agent;
    FileDescriptor wire;
    for (const auto& problem : {mount_file_systems(), settle_kernel(), open_control_card(wire)})
        if (!problem.empty()) power_off(problem);
    wait_for_clock();
    Server server{std::move(wire), configure};
    power_off(server.serve({kVersion, kernel_version()}));
}
