#include <algorithm>

#include "impl/openvpn/key_method.h"

namespace gatelab::openvpn {

DataKeys derive_by_exporter(const tls::Engine& engine) {
    DataKeys keys;
    const auto exported = engine.export_keying_material("EXPORTER-OpenVPN-datakeys", keys.bytes.size());
    std::copy_n(exported.begin(), std::min(exported.size(), keys.bytes.size()), keys.bytes.begin());
    return keys;
}

}  // namespace gatelab::openvpn
