#include "topologies/model/access_tree.h"

#include <vector>

namespace gatelab::topologies {
namespace {

class Planter {
public:
    Planter(Topology& topology, const AccessTree& tree) : topology_(topology), tree_(tree) {}

    void plant(Vertex root) {
        auto level = clients();
        const Link* link = &tree_.access;
        do {
            level = routers_above(level, *link);
            link = &tree_.trunk;
        } while (level.size() > tree_.fan_out);
        for (const auto router : level) join(router, root, *link);
    }

private:
    std::vector<Vertex> clients() {
        std::vector<Vertex> added;
        for (std::size_t i = 0; i < tree_.clients; ++i) {
            Node node;
            node.name = tree_.name + "-" + std::to_string(i + 1);
            Client client = tree_.like;
            client.address = Ipv4Address{tree_.first_address.number() + static_cast<std::uint32_t>(i)};
            client.connect_at = tree_.connect_from + static_cast<int>(i) * tree_.connect_every;
            if (client.authentication == Authentication::Certificate) client.certificate = certificate_for(node.name);
            node.kind = std::move(client);
            added.push_back(add_node(topology_, std::move(node)));
        }
        return added;
    }

    std::string certificate_for(const std::string& name) {
        auto spec = tree_.certificate;
        spec.name = name;
        spec.dns_names = {name};
        topology_.certificates.push_back(std::move(spec));
        return name;
    }

    std::vector<Vertex> routers_above(const std::vector<Vertex>& below, const Link& link) {
        std::vector<Vertex> added;
        for (std::size_t i = 0; i < below.size(); ++i) {
            if (i % tree_.fan_out == 0) {
                Node node;
                node.name = "access-" + std::to_string(++routers_);
                node.kind = Router{};
                added.push_back(add_node(topology_, std::move(node)));
            }
            join(below[i], added.back(), link);
        }
        return added;
    }

    void join(Vertex lower, Vertex upper, Link link) {
        link.name = topology_.graph[lower].name + "-" + topology_.graph[upper].name;
        add_link(topology_, lower, upper, std::move(link));
    }

    Topology& topology_;
    const AccessTree& tree_;
    std::size_t routers_ = 0;
};

}  // namespace

void add_access_tree(Topology& topology, Vertex root, const AccessTree& tree) { Planter{topology, tree}.plant(root); }

}  // namespace gatelab::topologies
