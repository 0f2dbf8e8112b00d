//! Addresses: which is chosen, who holds which.
