// The keys of a run in the form that Wireshark reads, so that its captures open decrypted.
//
//   cd run; WIRESHARK_CONFIG_DIR=keys tshark -r pcap/alice-alice-isp.pcap
#pragma once

#include <set>
#include <string>

#include "impl/esp/security_association.h"
#include "impl/ikev2/engine.h"

namespace gatelab::sim {

// One line of Wireshark's tables "ikev2_decryption_table" and "esp_sa", without the newline.
std::string to_ikev2_line(const ikev2::SaKeys&);
// Any source and destination: an SPI is random enough to name the association, and a NAT on the path changes the
// addresses from link to link. Wireshark knows no extended sequence numbers and will not confirm their ICVs.
std::string to_esp_line(const esp::Parameters&);

// Collects the lines of a run. Both ends of an association report it; each line is kept once, in the order of arrival.
class KeyLog {
public:
    void add(const ikev2::SaKeys& keys) { add(ikev2_, to_ikev2_line(keys)); }
    void add(const esp::Parameters& parameters) { add(esp_, to_esp_line(parameters)); }
    // Lines that a real program's log gave, in the same form.
    void add_ikev2_line(std::string line) { add(ikev2_, std::move(line)); }
    void add_esp_line(std::string line) { add(esp_, std::move(line)); }
    void add_tls_line(std::string line) { add(tls_, std::move(line)); }  // of an SSLKEYLOGFILE

    const std::string& ikev2_table() const { return ikev2_; }  // the whole file
    const std::string& esp_table() const { return esp_; }
    const std::string& tls_lines() const { return tls_; }

private:
    void add(std::string& table, std::string line);

    std::string ikev2_, esp_, tls_;
    std::set<std::string> known_;
};

}  // namespace gatelab::sim
