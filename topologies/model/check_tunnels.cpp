// Tunnels: what a client dials is offered by its gateway, and both can be played by whoever plays them.
#include <set>

#include "topologies/model/checks.h"

namespace gatelab::topologies {
namespace {

// Whether a program can have such a tunnel.
bool can(Implementation implementation, Tunnel tunnel) {
    switch (implementation) {
        case Implementation::StrongSwan:
        case Implementation::Libreswan: return tunnel == Tunnel::IkeV2;
        case Implementation::OpenVpn:
        case Implementation::SoftEther: return tunnel == Tunnel::OpenVpn;
        case Implementation::SstpClient: return tunnel == Tunnel::Sstp;
        case Implementation::Gatelab:
        case Implementation::Absent: break;
    }
    return true;
}

// The personality that a real program has by itself.
Personality own_personality(Implementation implementation) {
    switch (implementation) {
        case Implementation::StrongSwan: return Personality::StrongSwan;
        case Implementation::OpenVpn: return Personality::OpenVpnClient;
        default: return Personality::Gatelab;
    }
}

template <class Act>
void for_each_twice(const std::vector<Tunnel>& tunnels, Act act) {
    for (auto tunnel = tunnels.begin(); tunnel != tunnels.end(); ++tunnel)
        if (std::find(tunnels.begin(), tunnel, *tunnel) != tunnel) act(*tunnel);
}

void check_gateway(const Topology& topology, Findings& findings, const Node& node, const Gateway& gateway) {
    const auto& mark = mark_of(node, "tunnel_types");
    if (gateway.implementation == Implementation::SstpClient)
        return findings.error(mark_of(node, "implementation"),
                              "gateway \"{}\" cannot be played by sstp-client, which is a client", node.name);
    if (gateway.tunnels.empty()) findings.error(mark, "gateway \"{}\" offers no tunnel (tunnel_types)", node.name);
    for_each_twice(gateway.tunnels, [&](Tunnel tunnel) {
        findings.error(mark, "gateway \"{}\" offers {} twice", node.name, name_of(tunnel));
    });
    for (const auto tunnel : gateway.tunnels)
        if (!can(gateway.implementation, tunnel))
            findings.error(mark, "gateway \"{}\" offers {}, which {} does not do (tunnel_types)", node.name,
                           name_of(tunnel), name_of(gateway.implementation));
    check_users(findings, node, gateway.users);
    if (gateway.offers(Tunnel::OpenVpn)) check_openvpn_offer(topology, findings, node, gateway);
    if (gateway.offers(Tunnel::Sstp)) check_sstp_offer(findings, node, gateway);
}

void check_program(Findings& findings, const Node& node, const Client& client) {
    const auto program = client.implementation;
    if (program == Implementation::SoftEther)
        return findings.error(mark_of(node, "implementation"),
                              "client \"{}\" cannot be played by softether, which is a server here", node.name);
    for (const auto tunnel : client.tunnels)
        if (!can(program, tunnel))
            findings.error(mark_of(node, "tunnels"), "client \"{}\" dials {}, which {} does not do", node.name,
                           name_of(tunnel), name_of(program));
    if (!is_program(program)) return;
    if (client.personality != Personality::Gatelab && client.personality != own_personality(program))
        findings.error(mark_of(node, "personality"),
                       "client \"{}\" has the personality {} and is played by {}, which has its own; expected no "
                       "personality, or implementation: gatelab",
                       node.name, name_of(client.personality), name_of(program));
    if (client.reconnects || client.give_up_after)
        findings.warning(mark_of(node, client.reconnects ? "reconnects" : "give_up_after"),
                         "client \"{}\" is played by {}, which decides by itself when it gives up and dials again",
                         node.name, name_of(program));
}

void check_personality(Findings& findings, const Node& node, const Client& client) {
    if (client.give_up_after && *client.give_up_after <= Duration::zero())
        findings.error(mark_of(node, "give_up_after"), "give_up_after of \"{}\" must be above 0", node.name);
    const auto known = tunnels_of(client.personality);
    for (const auto tunnel : client.tunnels)
        if (!holds(known, tunnel))
            findings.warning(mark_of(node, "tunnels"), "client \"{}\" dials {}, which a {} client does not know",
                             node.name, name_of(tunnel), name_of(client.personality));
}

// Who decides for himself what to dial may well dial what is not there, and somebody wants to see that.
void check_offered(Findings& findings, const Node& node, const Client& client, const Gateway& gateway) {
    const auto& mark = mark_of(node, "tunnels");
    for (const auto tunnel : client.tunnels) {
        if (gateway.offers(tunnel)) continue;
        constexpr auto kMessage = "client \"{}\" dials {}, which gateway \"{}\" does not offer (tunnel_types)";
        if (client.personality == Personality::Gatelab)
            findings.error(mark, kMessage, node.name, name_of(tunnel), client.gateway);
        else
            findings.warning(mark, kMessage, node.name, name_of(tunnel), client.gateway);
    }
}

void check_client(const Topology& topology, Findings& findings, const Node& node, const Client& client) {
    if (client.tunnels.empty())
        findings.error(mark_of(node, "tunnels"),
                       "client \"{}\" dials nothing; expected one or more of ikev2, openvpn, sstp", node.name);
    for_each_twice(client.tunnels, [&](Tunnel tunnel) {
        findings.error(mark_of(node, "tunnels"), "client \"{}\" dials {} twice", node.name, name_of(tunnel));
    });
    check_program(findings, node, client);
    check_personality(findings, node, client);
    if (client.dials(Tunnel::IkeV2) && client.authentication == Authentication::Password)
        findings.error(mark_of(node, "authentication"), "client \"{}\" signs in with a password, and dials {}",
                       node.name, name_of(Tunnel::IkeV2));
    const auto* gateway = find_as<Gateway>(topology, client.gateway);
    if (!gateway) return;
    check_offered(findings, node, client, *gateway);
    if (client.dials(Tunnel::OpenVpn) && gateway->offers(Tunnel::OpenVpn))
        check_openvpn_dial(findings, node, client, *gateway);
    if (client.dials(Tunnel::Sstp)) check_sstp_dial(findings, node, client, *gateway);
}

}  // namespace

bool knows(const std::vector<User>& users, const std::string& username, const std::string& password) {
    return holds(users, User{username, password});
}

void check_users(Findings& findings, const Node& node, const std::vector<User>& users) {
    std::set<std::string, std::less<>> names;
    for (const auto& user : users) {
        const auto& mark = mark_of(node, "users." + user.name);
        if (user.name.empty() || user.password.empty())
            findings.error(mark, "user \"{}\" of {} \"{}\" needs a name and a password", user.name, name_of(node.kind),
                           node.name);
        if (!names.insert(user.name).second)
            findings.error(mark, "two users of {} \"{}\" are named \"{}\"", name_of(node.kind), node.name, user.name);
    }
}

void check_tunnels(const Topology& topology, Findings& findings) {
    for_each<Gateway>(topology, [&](Vertex, const Node& node, const Gateway& gateway) {
        check_gateway(topology, findings, node, gateway);
    });
    for_each<Client>(topology, [&](Vertex, const Node& node, const Client& client) {
        check_client(topology, findings, node, client);
    });
}

}  // namespace gatelab::topologies
