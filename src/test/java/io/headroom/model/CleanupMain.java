package io.headroom.model;

import io.headroom.memory.LiveArrays;

/** Cleans up in a fresh JVM and prints whether that started an engine. */
public final class CleanupMain {
    private CleanupMain() {}

    public static void main(String[] args) {
        Cleanup.now();
        System.out.println("engine runs: " + LiveArrays.engineRuns());
    }
}
