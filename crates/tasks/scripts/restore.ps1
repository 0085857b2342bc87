<#
.SYNOPSIS
    Restores scheduled tasks from a collection, as restore-plan.json beside this script says.

.DESCRIPTION
    Read restore-plan.json first: it names every task, what it needs, and why a task is left out. Without a switch this
    script only shows the plan and lets the Task Scheduler validate each definition: nothing is changed.

    -Register creates folders, asks once for the password of each account that needs one, and registers every task
    switched off. Each is then read back and compared. Passwords are kept in memory only, and handed to the scheduler's
    interface, never to another program.
    -Enable switches on those tasks that were on, and that the plan does not ask to look at first.

    A task that is there already is left alone, unless -Replace is given. The script may be run again.

    Runs in Windows PowerShell 5.1 and in PowerShell 7, as an administrator.
    Exit codes: 0 all done; 2 some tasks failed; 1 nothing was done.

.PARAMETER Plan
    The plan; restore-plan.json beside this script by default.

.PARAMETER Collection
    The folder of the collection; the folder of this script by default.

.PARAMETER Only
    Only tasks whose path is like this: '\OpenData\*'.
#>
[CmdletBinding()]
param(
    [string] $Plan = '',
    [string] $Collection = '',
    [string] $Only = '*',
    [switch] $Register,
    [switch] $Replace,
    [switch] $Enable
)

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

# Flags of ITaskFolder.RegisterTask.
$ValidateOnly = 1
$Create = 2
$Update = 4
$Disable = 8
$IgnoreRegistrationTriggers = 32
# Types of logon.
$Logons = @{ 'Password' = 1; 'S4U' = 2; 'InteractiveToken' = 3; 'Group' = 4; 'Service' = 5; 'InteractiveTokenOrPassword' = 6; 'None' = 0 }

$script:Failed = 0

function Write-Step([string] $Path, [string] $What) { Write-Output ('{0}: {1}' -f $Path, $What) }

function Write-Failure([string] $Path, [string] $What) {
    $script:Failed++
    [Console]::Error.WriteLine(('{0}: {1}' -f $Path, $What))
}

function Get-Problem($Record) {
    $problem = $Record.Exception
    while ($null -ne $problem.InnerException) { $problem = $problem.InnerException }
    return ('{0} (0x{1:X8})' -f $problem.Message.Trim(), $problem.HResult)
}

function Get-Digest([string] $Path) {
    $algorithm = [System.Security.Cryptography.SHA256]::Create()
    try {
        $digest = $algorithm.ComputeHash([System.IO.File]::ReadAllBytes($Path))
        return ([System.BitConverter]::ToString($digest) -replace '-', '').ToLowerInvariant()
    }
    finally { $algorithm.Dispose() }
}

# On a new computer the same account has another identifier: the collected one is replaced where it is not known here.
function Get-SidMap($Accounts) {
    $map = @{}
    foreach ($account in @($Accounts)) {
        try {
            [void] (New-Object System.Security.Principal.SecurityIdentifier $account.sid).Translate([System.Security.Principal.NTAccount])
            continue
        }
        catch { $name = $account.name }
        try {
            # A local account of the old computer is looked for by its bare name.
            $local = $name.Split('\')[-1]
            $here = (New-Object System.Security.Principal.NTAccount $local).Translate([System.Security.Principal.SecurityIdentifier]).Value
            $map[$account.sid] = $here
            Write-Step $name ('is ' + $here + ' here, in place of ' + $account.sid)
        }
        catch { Write-Failure $name ('there is no such account here: create it first; ' + (Get-Problem $_)) }
    }
    return $map
}

function Set-Sids([string] $Text, $Map) {
    foreach ($sid in $Map.Keys) { $Text = [regex]::Replace($Text, [regex]::Escape($sid) + '(?![0-9-])', $Map[$sid]) }
    return $Text
}

function Read-Definition($Task, $Map) {
    $file = [System.IO.Path]::Combine($Collection, $Task.file.Replace('/', '\'))
    if ((Get-Digest $file) -ne $Task.sha256) { throw 'its file is not the one that was collected' }
    # With a byte order mark that counts; files of other exporters are UTF-8.
    $reader = New-Object System.IO.StreamReader($file, (New-Object System.Text.UTF8Encoding($false, $true)), $true)
    try { $xml = $reader.ReadToEnd() } finally { $reader.Dispose() }
    # The text is handed over as UTF-16: a declaration of another encoding would be refused.
    $xml = $xml -replace '^\s*<\?xml[^>]*\?>\s*', ''
    return (Set-Sids $xml $Map)
}

function Get-Folder($Service, [string] $Path) {
    $folder = $Service.GetFolder('\')
    $known = '\'
    foreach ($part in $Path.Trim('\').Split('\')) {
        if (-not $part) { continue }
        $known = $known.TrimEnd('\') + '\' + $part
        try { $folder = $Service.GetFolder($known) }
        catch { $folder = $folder.CreateFolder($part, $null) }
    }
    return $folder
}

# What the scheduler adds or a restore changes on purpose is left out.
function Get-Canonical([string] $Xml) {
    $document = New-Object System.Xml.XmlDocument
    $document.XmlResolver = $null
    $document.LoadXml($Xml)
    $lines = New-Object System.Collections.ArrayList
    foreach ($node in $document.SelectNodes('//*[not(*)]')) {
        $path = $node.LocalName
        $parent = $node.ParentNode
        while ($null -ne $parent -and $parent.NodeType -eq 'Element') { $path = $parent.LocalName + '/' + $path; $parent = $parent.ParentNode }
        if ($path -match '^Task/(RegistrationInfo/(URI|Date|SecurityDescriptor)|Settings/Enabled)$') { continue }
        $text = $node.InnerText.Trim()
        if ($text) { [void] $lines.Add($path + '=' + $text) }
    }
    return (($lines | Sort-Object) -join "`n")
}

function Get-Credentials($Tasks) {
    $credentials = @{}
    foreach ($task in @($Tasks | Where-Object { $_.account.needs_password })) {
        $name = $task.account.user
        if ($credentials.ContainsKey($name)) { continue }
        $credentials[$name] = Get-Credential -UserName $name -Message ('The password of ' + $name + ', for the tasks that run as it')
    }
    return $credentials
}

function Register-One($Service, $Task, $Map, $Credentials) {
    $xml = Read-Definition $Task $Map
    $name = $Task.path.Substring($Task.path.LastIndexOf('\') + 1)
    $folder = Get-Folder $Service $Task.path.Substring(0, $Task.path.LastIndexOf('\') + 1)
    $flags = $Create -bor $Disable -bor $IgnoreRegistrationTriggers
    if ($Replace) { $flags = $flags -bor $Update }
    else {
        $there = $null
        try { $there = $folder.GetTask($name) } catch { $there = $null }
        if ($null -ne $there) { Write-Step $Task.path 'is there already, and left alone'; return }
    }
    $user = $null
    $password = $null
    if ($Task.account.needs_password) {
        $credential = $Credentials[$Task.account.user]
        $user = $credential.UserName
        $password = $credential.GetNetworkCredential().Password
    }
    $sddl = $null
    if ($Task.sddl) { $sddl = Set-Sids $Task.sddl $Map }
    $registered = $folder.RegisterTask($name, $xml, $flags, $user, $password, $Logons[[string] $Task.account.logon], $sddl)
    if ((Get-Canonical $registered.Xml) -ne (Get-Canonical $xml)) {
        Write-Failure $Task.path 'was registered, and reads back differently: compare it before it is switched on'
        return
    }
    Write-Step $Task.path 'registered, switched off'
}

function Enable-One($Service, $Task) {
    if (-not $Task.was_enabled) { Write-Step $Task.path 'stays switched off, as it was'; return }
    if (@($Task.cautions).Count -gt 0) { Write-Step $Task.path ('look at it first, then switch it on by hand: ' + (@($Task.cautions) -join '; ')); return }
    $Service.GetFolder('\').GetTask($Task.path).Enabled = $true
    Write-Step $Task.path 'switched on'
}

if (-not $Collection) { $Collection = $PSScriptRoot }
if (-not $Plan) { $Plan = [System.IO.Path]::Combine($PSScriptRoot, 'restore-plan.json') }
try {
    $steps = ConvertFrom-Json ([System.IO.File]::ReadAllText($Plan))
    if ($steps.format -ne 'strongroom-restore/1') { throw 'this is not a plan of this script' }
    $service = New-Object -ComObject 'Schedule.Service'
    $service.Connect()
}
catch {
    [Console]::Error.WriteLine((Get-Problem $_))
    exit 1
}

$chosen = @($steps.tasks | Where-Object { $_.path -like $Only })
Write-Output ('{0} tasks of {1}, collected at {2}; {3} are left out by the plan' -f $chosen.Count, $steps.host, $steps.collected_at, @($steps.left_out).Count)
foreach ($line in @($steps.by_hand)) { Write-Output ('by hand: ' + $line) }
$map = Get-SidMap $steps.accounts

foreach ($task in $chosen) {
    foreach ($need in @($task.needs)) { Write-Step $task.path ('needs ' + $need) }
    foreach ($file in @($task.missing_files)) { Write-Step $task.path ('its file is missing: ' + $file) }
    try {
        $xml = Read-Definition $task $map
        [void] $service.GetFolder('\').RegisterTask($task.path.TrimStart('\').Replace('\', '-'), $xml, $ValidateOnly, $null, $null, 0, $null)
        Write-Step $task.path 'the definition is valid here'
    }
    catch { Write-Failure $task.path (Get-Problem $_) }
}

if ($Register) {
    foreach ($folder in @($steps.folders)) {
        try {
            $made = Get-Folder $service $folder.path
            if ($folder.sddl) { $made.SetSecurityDescriptor((Set-Sids $folder.sddl $map), 0) }
        }
        catch { Write-Failure $folder.path (Get-Problem $_) }
    }
    $credentials = Get-Credentials $chosen
    foreach ($task in $chosen) {
        try { Register-One $service $task $map $credentials }
        catch { Write-Failure $task.path (Get-Problem $_) }
    }
}
if ($Enable) {
    foreach ($task in $chosen) {
        try { Enable-One $service $task }
        catch { Write-Failure $task.path (Get-Problem $_) }
    }
}

Write-Output ('{0} failed' -f $script:Failed)
if ($script:Failed -gt 0) { exit 2 }
exit 0
