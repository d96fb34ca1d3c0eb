#include "sim/peers/uml/one_processor.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>

namespace gatelab::sim::peers::uml {
namespace {

FileDescriptor claim(int processor) {
    FileDescriptor socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const auto name = fmt::format("gatelab-processor-{}", processor);
    std::copy(name.begin(), name.end(), address.sun_path + 1);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    if (!socket || ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) return {};
    return socket;
}

}  // namespace

OneProcessor::OneProcessor() : thread_(::gettid()) {
    CPU_ZERO(&before_);
    if (::sched_getaffinity(thread_, sizeof before_, &before_) != 0 || CPU_COUNT(&before_) < 2) return;
    const int here = std::max(::sched_getcpu(), 0);
    for (int step = 0; step < CPU_SETSIZE && !claim_; ++step) {
        const int processor = (here + step) % CPU_SETSIZE;
        if (!CPU_ISSET(processor, &before_)) continue;
        claim_ = claim(processor);
        if (!claim_) continue;
        cpu_set_t only;
        CPU_ZERO(&only);
        CPU_SET(processor, &only);
        if (::sched_setaffinity(thread_, sizeof only, &only) == 0) processor_ = processor;
    }
}

OneProcessor::~OneProcessor() {
    if (processor_) ::sched_setaffinity(thread_, sizeof before_, &before_);
}

}  // namespace gatelab::sim::peers::uml
