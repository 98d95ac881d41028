"""What runs say, joined and typed for those who judge or show it: pages, the audit, and other outputs. No torch."""
