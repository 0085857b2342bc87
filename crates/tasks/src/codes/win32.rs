//! Errors of Windows that starting a task, or a program, often ends with.

use windows_sys::Win32::Foundation as windows;

use super::{Known, Outcome};

macro_rules! codes {
    ($($name:ident $outcome:ident $words:literal)*) => {
        &[$(Known { code: windows::$name, name: stringify!($name), outcome: Outcome::$outcome, words: $words }),*]
    };
}

pub(super) const CODES: &[Known] = codes![
    ERROR_INVALID_FUNCTION Failed "the function is not valid"
    ERROR_FILE_NOT_FOUND Failed "the file was not found"
    ERROR_PATH_NOT_FOUND Failed "the folder was not found"
    ERROR_TOO_MANY_OPEN_FILES Failed "too many files are open"
    ERROR_ACCESS_DENIED Failed "access was denied"
    ERROR_INVALID_HANDLE Failed "a handle was not valid"
    ERROR_NOT_ENOUGH_MEMORY Failed "there was not enough memory"
    ERROR_BAD_FORMAT Failed "the program's format is wrong"
    ERROR_INVALID_DATA Failed "the data was not valid"
    ERROR_OUTOFMEMORY Failed "there was not enough memory"
    ERROR_NOT_READY Failed "the device was not ready"
    ERROR_SHARING_VIOLATION Failed "another process had the file open"
    ERROR_LOCK_VIOLATION Failed "another process had locked a part of the file"
    ERROR_HANDLE_DISK_FULL Failed "the disk was full"
    ERROR_NOT_SUPPORTED Failed "the request is not supported"
    ERROR_BAD_NETPATH Failed "the network path was not found"
    ERROR_NETNAME_DELETED Failed "the network name is no longer available"
    ERROR_NETWORK_ACCESS_DENIED Failed "access to the network was denied"
    ERROR_BAD_NET_NAME Failed "the network name was not found"
    ERROR_INVALID_PARAMETER Failed "a parameter is not valid"
    ERROR_DISK_FULL Failed "the disk was full"
    ERROR_INVALID_NAME Failed "the name of a file or folder is not valid"
    ERROR_MOD_NOT_FOUND Failed "a library was not found"
    ERROR_PROC_NOT_FOUND Failed "a function was not found in a library"
    ERROR_BAD_EXE_FORMAT Failed "the program is not one that this Windows can run"
    ERROR_FILENAME_EXCED_RANGE Failed "a file name is too long"
    WAIT_TIMEOUT Failed "it took too long"
    ERROR_DIRECTORY Failed "the folder to start in is not valid"
    ERROR_OPERATION_ABORTED Terminated "the operation was aborted"
    ERROR_ELEVATION_REQUIRED Failed "it needs to run elevated"
    ERROR_SERVICE_REQUEST_TIMEOUT Failed "a service did not answer in time"
    ERROR_SERVICE_ALREADY_RUNNING Failed "an instance of the service was already running"
    ERROR_SERVICE_DISABLED Failed "the service is switched off"
    ERROR_PROCESS_ABORTED Failed "the process ended unexpectedly"
    ERROR_SERVICE_NOT_ACTIVE Failed "the service does not run"
    ERROR_CANCELLED Terminated "a user cancelled it"
    ERROR_NOT_LOGGED_ON Held "the user was not logged on"
    ERROR_NO_SUCH_LOGON_SESSION Held "the logon session no longer existed"
    ERROR_PRIVILEGE_NOT_HELD Failed "the account does not hold a required privilege"
    ERROR_LOGON_FAILURE Failed "the account's name or password is wrong"
    ERROR_ACCOUNT_RESTRICTION Failed "a restriction of the account prevented the logon"
    ERROR_INVALID_LOGON_HOURS Failed "the account may not log on at that hour"
    ERROR_PASSWORD_EXPIRED Failed "the account's password has expired"
    ERROR_ACCOUNT_DISABLED Failed "the account is disabled"
    ERROR_NONE_MAPPED Failed "a name and a security identifier do not fit together: the account may not exist here"
    ERROR_LOGON_TYPE_NOT_GRANTED Failed "the account has no right to log on as a batch job"
    ERROR_ACCOUNT_EXPIRED Failed "the account has expired"
    ERROR_PASSWORD_MUST_CHANGE Failed "the account's password must be changed first"
    ERROR_ACCOUNT_LOCKED_OUT Failed "the account is locked"
    ERROR_NO_SYSTEM_RESOURCES Failed "Windows had not enough resources"
    ERROR_REQUEST_REFUSED Refused "the start was refused: a condition (power, idle, network) did not hold, or an instance was running"
];
