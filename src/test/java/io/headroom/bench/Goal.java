package io.headroom.bench;

/** One row of a benchmark's table: what was measured, its goal, the figure, and whether it is met. */
final class Goal {
    private Goal() {}

    static void print(String what, String goal, String measured, boolean met) {
        print(what, goal, measured, met ? "met" : "MISSED");
    }

    /** With an interval: met if all of it is within the goal, missed if none is, else not shown. */
    static void print(String what, String goal, String measured, double low, double high, double most) {
        print(what, goal, measured, high <= most ? "met" : low > most ? "MISSED" : "not shown");
    }

    private static void print(String what, String goal, String measured, String verdict) {
        System.out.printf("| %s | %s | %s | %s |%n", what, goal, measured, verdict);
    }
}
