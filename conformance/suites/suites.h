// The families of cases: one function for each file of cases, in the order of the report. Their ids do not yet have the
// name of the suite in front.
#pragma once

#include <vector>

#include "conformance/case.h"

namespace gatelab::conformance::families {

// ikev2-basic
std::vector<Case> connecting();
std::vector<Case> negotiating();
std::vector<Case> refusing();
std::vector<Case> traversing_nats();
std::vector<Case> repeating();
std::vector<Case> counting_messages();
std::vector<Case> rekeying();
std::vector<Case> staying_alive();
std::vector<Case> lasting();
std::vector<Case> closing();
std::vector<Case> narrowing();
std::vector<Case> ignoring_garbage();

// esp-basic
std::vector<Case> carrying();
std::vector<Case> hiding();
std::vector<Case> checking_integrity();
std::vector<Case> refusing_replays();
std::vector<Case> keeping_to_selectors();

// openvpn
std::vector<Case> openvpn_connecting();
std::vector<Case> openvpn_refusing();
std::vector<Case> openvpn_negotiating();
std::vector<Case> openvpn_azure_client();
std::vector<Case> openvpn_pushing();
std::vector<Case> openvpn_renegotiating();
std::vector<Case> openvpn_staying_alive();
std::vector<Case> openvpn_moving();
std::vector<Case> openvpn_lasting();
std::vector<Case> openvpn_fitting();
std::vector<Case> openvpn_guarding();
std::vector<Case> openvpn_losing();
std::vector<Case> openvpn_strangers();

// sstp
std::vector<Case> sstp_connecting();
std::vector<Case> sstp_refusing();
std::vector<Case> sstp_negotiating();
std::vector<Case> sstp_carrying();
std::vector<Case> sstp_staying_alive();
std::vector<Case> sstp_proxies();
std::vector<Case> sstp_strangers();

// p2s-ike-policy
std::vector<Case> policy_cells();
std::vector<Case> policy_refusals();

// tls-policy
std::vector<Case> tls_suites();
std::vector<Case> tls_versions();
std::vector<Case> tls_profile();

// openvpn-deviations
std::vector<Case> breaking_headers();
std::vector<Case> breaking_the_control_channel();
std::vector<Case> breaking_the_key_exchange();
std::vector<Case> breaking_data_packets();
std::vector<Case> playing_a_gateway();

// sstp-deviations
std::vector<Case> breaking_https();
std::vector<Case> breaking_the_call();
std::vector<Case> breaking_ppp();
std::vector<Case> playing_an_sstp_gateway();

// fallback
std::vector<Case> falling_back();

// goodput
std::vector<Case> transferring();

}  // namespace gatelab::conformance::families
