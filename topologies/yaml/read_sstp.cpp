#include "topologies/yaml/read_sstp.h"

namespace gatelab::topologies {
namespace {

void read_common(Form& form, Sstp& sstp) {
    form.duration("hello", sstp.hello);
    form.number("mru", sstp.mru, Sstp::kLeastMru, Sstp::kMostMru);
}

}  // namespace

void read_sstp_client(Draft& draft, Form& client, Sstp& sstp) {
    read_section(draft, client, "sstp", [&](Form& form) {
        form.texts("tls_suites", sstp.tls_suites);
        read_common(form, sstp);
    });
}

void read_sstp_gateway(Draft& draft, Form& point_to_site, Sstp& sstp) {
    read_section(draft, point_to_site, "sstp", [&](Form& form) {
        form.number("port", sstp.port, 1, 65535);
        form.text("tls_policy", sstp.tls_policy);
        form.texts("authentication", sstp.authentication);
        form.texts("hashes", sstp.hashes);
        form.duration("negotiation", sstp.negotiation);
        read_common(form, sstp);
    });
}

}  // namespace gatelab::topologies
