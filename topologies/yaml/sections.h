// The sections of a topology file. Internal to this folder.
#pragma once

#include <functional>

#include "topologies/yaml/form.h"

namespace gatelab::topologies {

// What the readers of the sections share.
struct Draft {
    Topology topology;
    std::vector<Problem> problems;
    std::string folder;  // of the file, where certificate files are looked for; "" for the working directory
};

// Calls `read(form, name)` for each entry of a section, and finishes the form. Names are letters, digits, "-" and "_",
// because they become names of files; with `loose` also ".", "@" and blanks.
void for_each_entry(Form& top, std::string_view section, std::string_view noun, bool loose, Draft&,
                    const std::function<void(Form&, const std::string&)>& read);

// Reads the map under `key`, if there is one; where its fields were said is kept with the thing, as "key.field".
void read_section(Draft&, Form& thing, std::string_view key, const std::function<void(Form&)>& read);

void read_certificates(Form& top, Draft&);
void read_nodes(Form& top, Draft&);  // clients first, then what is on the way, gateways, networks, machines
void read_links(Form& top, Draft&);
void read_flows(Form& top, Draft&);
void read_actions(Form& top, Draft&);
void read_faults(Form& top, Draft&);

// Of read_nodes(), in files of their own.
void read_firewall(Draft&, Form&, const std::string& name);
void read_nat(Draft&, Form&, const std::string& name);
// Ends a node's reader: takes the keys of all kinds of nodes, and adds the node.
void add_read_node(Draft&, Form&, const std::string& name, NodeKind);

// "protocol": "udp", "esp", 47; "any" leaves the target as it is.
void read_protocol(Form&, std::optional<std::uint8_t>& target);

// Fills in what the file need not say: the only gateway or virtual network, certificates and their root, links inside
// virtual networks, the gateway's inside address.
void complete(Draft&);

// "no-such.pem", found from the folder of the file.
std::string resolve(const Draft&, const std::string& file);

}  // namespace gatelab::topologies
