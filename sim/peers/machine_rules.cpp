#include "sim/peers/machine_rules.h"

#include <arpa/inet.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "sim/peers/file_descriptor.h"

namespace gatelab::sim::peers {
namespace {

constexpr std::uint32_t kOwnAddresses = 10, kOwnPackets = 11;

// One rule that looks into the table `local`, as a netlink request (rtnetlink(7)).
class LocalRule {
public:
    LocalRule(std::uint16_t type, std::uint16_t flags, std::uint32_t priority) {
        message_.header.nlmsg_len = NLMSG_LENGTH(sizeof(fib_rule_hdr));
        message_.header.nlmsg_type = type;
        message_.header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
        message_.rule.family = AF_INET;
        message_.rule.table = RT_TABLE_LOCAL;
        message_.rule.action = FR_ACT_TO_TBL;
        attribute(FRA_PRIORITY, &priority, sizeof priority);
    }
    LocalRule& to(const std::string& dotted) {
        in_addr address{};
        ::inet_pton(AF_INET, dotted.c_str(), &address);
        message_.rule.dst_len = 32;
        return attribute(FRA_DST, &address, sizeof address);
    }
    LocalRule& from_interface(const char* name) { return attribute(FRA_IIFNAME, name, std::strlen(name) + 1); }

    // False with errno set when the kernel refuses.
    bool carry_out(int socket) const {
        if (::send(socket, &message_, message_.header.nlmsg_len, 0) < 0) return false;
        struct {
            nlmsghdr header;
            nlmsgerr outcome;
            std::array<char, 512> rest;
        } answer{};
        if (::recv(socket, &answer, sizeof answer, 0) < static_cast<ssize_t>(NLMSG_LENGTH(sizeof(nlmsgerr))))
            return false;
        errno = answer.header.nlmsg_type == NLMSG_ERROR ? -answer.outcome.error : EPROTO;
        return errno == 0;
    }

private:
    LocalRule& attribute(std::uint16_t type, const void* value, std::size_t size) {
        const rtattr head{static_cast<std::uint16_t>(RTA_LENGTH(size)), type};
        auto* at = reinterpret_cast<char*>(&message_) + NLMSG_ALIGN(message_.header.nlmsg_len);
        std::memcpy(at, &head, sizeof head);
        std::memcpy(at + RTA_LENGTH(0), value, size);
        message_.header.nlmsg_len =
            static_cast<std::uint32_t>(NLMSG_ALIGN(message_.header.nlmsg_len) + RTA_LENGTH(size));
        return *this;
    }

    struct {
        nlmsghdr header;
        fib_rule_hdr rule;
        std::array<char, 64> attributes;
    } message_{};
};

}  // namespace

std::string answer_only_at(const std::vector<std::string>& addresses) {
    const FileDescriptor netlink{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)};
    if (!netlink) return "netlink";
    const auto add = [&](std::uint32_t priority) {
        return LocalRule{RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, priority};
    };
    if (!add(kOwnPackets).from_interface("lo").carry_out(netlink.get())) return "rule for the machine's own packets";
    for (const auto& address : addresses)
        if (!add(kOwnAddresses).to(address).carry_out(netlink.get())) return "rule for " + address;
    return LocalRule{RTM_DELRULE, 0, 0}.carry_out(netlink.get()) ? "" : "rule for local addresses";
}

}  // namespace gatelab::sim::peers
