package io.headroom.diagnosis;

/** Something people try here that cannot help, and why. */
public record WontHelp(String name, String because) {}
